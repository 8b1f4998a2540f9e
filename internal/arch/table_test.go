package arch

// root is the path of the library's module.
const root = "github.com/runnelflow/runnel"

// goVersion is the oldest Go release that is supported, and the go directive of
// every go.mod and of go.work.
const goVersion = "1.26.0"

// maxLines is the most lines that a file which is no test may have.
const maxLines = 600

// A layer is a package of the library's module and the packages of that module
// that its files, tests aside, may import.
type layer struct {
	pkg string   // path below the module's, "." for the root package
	may []string // each stands above in the table
}

// layers lists the packages from the lowest layer to the highest. A row may
// name only rows above it, so that no package can import a higher one. Rows
// of packages that are still to come keep their place.
var layers = []layer{
	// The graph core and the engine know integers and function values only;
	// they see no task, no name and no type of the library.
	{pkg: "internal/graph"},
	{pkg: "internal/nearest"},
	{pkg: "internal/typename"},
	{pkg: "internal/cpuhint"},
	{pkg: "internal/engine", may: []string{"internal/cpuhint", "internal/graph"}},
	{pkg: "internal/binding"},
	{pkg: "internal/capacity"},
	{pkg: "internal/budget"},
	{pkg: "internal/canon", may: []string{"internal/typename"}},
	{pkg: "internal/lifecycle"},
	{pkg: "internal/layout"},
	{pkg: "internal/boxes", may: []string{"internal/layout"}},

	// Recorded workflows, and these rules: for tests alone, so no row names
	// them.
	{pkg: "internal/wfformat"},
	{pkg: "internal/arch"},

	// The graph as users see it: no execution, no values.
	{pkg: "dag", may: []string{"internal/boxes", "internal/graph", "internal/nearest", "internal/layout", "internal/typename"}},

	// The contract of a broker stands below the library that uses it.
	{pkg: "broker", may: []string{"internal/lifecycle"}},
	{pkg: "broker/brokertest", may: []string{"broker"}},

	// The contract of a store of results, below the library for the same reason.
	{pkg: "resultcache"},
	{pkg: "resultcache/storetest", may: []string{"resultcache"}},

	{pkg: ".", may: []string{
		"broker", "dag", "internal/binding", "internal/budget", "internal/canon", "internal/capacity", "internal/cpuhint",
		"internal/engine", "internal/graph", "internal/layout", "internal/lifecycle", "internal/nearest", "internal/typename", "resultcache",
	}},

	// What is built on the library.
	{pkg: "runneltest", may: []string{".", "dag", "internal/nearest"}},
	{pkg: "viz", may: []string{".", "dag", "internal/boxes", "internal/layout"}},
	{pkg: "schedule", may: []string{".", "internal/lifecycle"}},
	{pkg: "schedule/storetest", may: []string{".", "schedule"}},

	// Tests that hold the documentation against the sources. No row names it.
	{pkg: "internal/docs"},
}

// linkedLibraries are the modules of others that packages of the library may link, by
// the one package that may. They have no requirements of their own, and whoever does
// not import that package does not link them.
var linkedLibraries = map[string]string{
	"schedule": "github.com/netresearch/go-cron",
}

// testLibraries are the modules of others that the library's tests may use. Only files
// that end in _test.go import them, so no user's binary links them. With those of
// linkedLibraries they are all that the library's go.mod requires.
var testLibraries = []string{
	"go.uber.org/goleak",
	"pgregory.net/rapid",
}

// outsideWorkspace are the modules that go.work leaves out, so that a
// newcomer's test run does not fetch what only they need.
var outsideWorkspace = []string{"benchmarks", "tools"}

// publicOnly are the modules that users copy from, and which therefore import
// nothing from the library's internal folders. The compiler would let them.
var publicOnly = []string{"examples"}

// vagueNames say nothing of what a package holds.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "misc"}
