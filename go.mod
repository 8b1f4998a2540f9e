module github.com/runnelflow/runnel

go 1.26.0

require (
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)

require github.com/netresearch/go-cron v0.9.1
