module github.com/runnelflow/runnel/examples

go 1.26.0

require (
	github.com/go-audio/audio v1.0.0
	github.com/go-audio/wav v1.1.0
	github.com/runnelflow/runnel v0.0.0
	go.uber.org/goleak v1.3.0
	gonum.org/v1/gonum v0.17.0
	pgregory.net/rapid v1.3.0
)

require github.com/go-audio/riff v1.0.0 // indirect

replace github.com/runnelflow/runnel => ../
