module github.com/runnelflow/runnel/examples

go 1.26.0

require github.com/runnelflow/runnel v0.0.0

replace github.com/runnelflow/runnel => ../
