module github.com/runnelflow/runnel/cli

go 1.26.0

require (
	github.com/clipperhouse/displaywidth v0.11.0
	github.com/runnelflow/runnel v0.0.0
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.9
	golang.org/x/term v0.48.0
)

require (
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
)

replace github.com/runnelflow/runnel => ../
