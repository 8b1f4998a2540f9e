module github.com/runnelflow/runnel/benchmarks

go 1.26.0

require (
	github.com/natessilva/dag v0.0.0-20180124060714-7194b8dcc5c4
	github.com/noneback/go-taskflow v1.2.0
	github.com/runnelflow/runnel v0.0.0
	golang.org/x/sync v0.20.0
)

replace github.com/runnelflow/runnel => ../
