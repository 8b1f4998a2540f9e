package viz

// textConfig is what options of [Text] say.
type textConfig struct {
	config
	width int
	ascii bool
	color bool
}
