package wfformat

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// recorded says what is known of each published instance.
var recorded = map[string]struct {
	tasks, edges   int
	orderOnly      int      // edges without a file
	manyProducers  []string // files with more than one producer
	instantRuntime int      // tasks recorded with a runtime of zero
}{
	"bwa-chameleon-large-001.json":                 {tasks: 1004, edges: 4000},
	"cycles-chameleon-5l-2c-9p-001.json":           {tasks: 662, edges: 970},
	"epigenomics-chameleon-hep-1seq-100k-001.json": {tasks: 41, edges: 48},
	"helloworld-forkjoin-10-chameleon.json":        {tasks: 10, edges: 16},
	"rnaseq-dirt02-001.json":                       {tasks: 197, edges: 451, instantRuntime: 56},
	"seismology-chameleon-1100p-001.json":          {tasks: 1101, edges: 1100},
	"srasearch-chameleon-50a-004.json":             {tasks: 104, edges: 152},
	"montage_10000.slim.json":                      {tasks: 9981, edges: 34380},
	"montage_10000.slim.json.gz":                   {tasks: 9981, edges: 34380},
	"CyberShake_100.json":                          {tasks: 100, edges: 180, orderOnly: 90},
	"Inspiral_1000.json": {tasks: 1000, edges: 1233, manyProducers: []string{
		"H1-THINCA-724636949-2048.xml", "H1-THINCA-782406919-2048.xml", "H1-THINCA-791084494-2048.xml"}},
}

func TestRecordedInstances(t *testing.T) {
	dir, ok := Find()
	if !ok {
		t.Skipf("no recorded instances beside the repository; set %s to a folder of them", EnvDir)
	}
	paths, err := Instances(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			w, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if cp, work := w.CriticalPath(), w.Work(); cp <= 0 || cp > work || cp != longest(w) {
				t.Errorf("critical path %v, by search %v, work %v", cp, longest(w), work)
			}
			want, known := recorded[filepath.Base(path)]
			if !known {
				return // any other instance has to load, and no more is known of it
			}
			var edges, orderOnly, instant int
			for _, task := range w.Tasks {
				edges += len(task.Parents)
				if task.Runtime == 0 {
					instant++
				}
			}
			for _, parents := range w.OrderOnly() {
				orderOnly += len(parents)
			}
			var many []string
			producers := w.Producers()
			for _, file := range slices.Sorted(maps.Keys(producers)) {
				if len(producers[file]) > 1 {
					many = append(many, file)
				}
			}
			if len(w.Tasks) != want.tasks || edges != want.edges || orderOnly != want.orderOnly || instant != want.instantRuntime {
				t.Errorf("got %d tasks, %d edges, %d without a file, %d instant tasks; want %+v",
					len(w.Tasks), edges, orderOnly, instant, want)
			}
			if !slices.Equal(many, want.manyProducers) {
				t.Errorf("files of many producers: got %v, want %v", many, want.manyProducers)
			}
			if len(many) == 0 { // else a file does not say which of its producers is meant
				checkEdges(t, w)
			}
			if plain, zipped := strings.CutSuffix(path, ".gz"); zipped {
				if other, err := Load(plain); err != nil || !reflect.DeepEqual(other, w) {
					t.Errorf("the compressed instance differs from %s (error %v)", filepath.Base(plain), err)
				}
			}
		})
	}
}
