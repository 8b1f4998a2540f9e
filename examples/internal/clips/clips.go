// Package clips holds the recordings that the example ships with.
package clips

import "embed"

//go:generate go run ../makeclips .

// FS holds the clips, at its root.
//
//go:embed *.wav
var FS embed.FS
