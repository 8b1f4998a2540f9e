package runneltest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/runnelflow/runnel"
)

// values declares a task of the given inputs and outputs that is never run.
func values(name string, inputs, outputs []string) runnel.AnyTask {
	return runnel.NewValuesTask(name, inputs, outputs, func(context.Context, runnel.Values) (runnel.Values, error) {
		panic("Check must run nothing")
	})
}

func check(t *testing.T, p *runnel.Pipeline) *recorder {
	r := &recorder{TB: t}
	Check(r, p)
	return r
}

func TestCheckPassesASoundPipeline(t *testing.T) {
	load := runnel.NewTask("audio", runnel.Pure(func(in struct{ Path string }) []float64 { return nil }))
	tempo := runnel.NewTask("tempo", runnel.Pure(func(in struct {
		Audio  []float64
		Config runnel.Opt[int]
	}) float64 {
		return 0
	}))
	check(t, runnel.NewPipeline().Add(load, tempo)).expect(t)
}

func TestCheckReportsEachProblemOfTheGraph(t *testing.T) {
	twice := values("a", nil, []string{"x"})
	negative := runnel.NewTask("y", runnel.Pure(func(struct{}) int { return 0 }), runnel.Retries(-1))
	check(t, runnel.NewPipeline().Add(twice, twice, negative)).expect(t,
		[]string{`task "a" (check_test.go:`, "added twice"},
		[]string{`task "y" (check_test.go:`, "Retries must be 0 or more, got -1"})
}

func TestCheckReportsAnEmptyAndANilPipeline(t *testing.T) {
	check(t, runnel.NewPipeline()).expect(t, []string{"it has no tasks", "FromTasks"})
	check(t, nil).expect(t, []string{"the pipeline is nil"})
}

func TestCheckReportsAnInputNearAnOutput(t *testing.T) {
	p := runnel.NewPipeline().Add(
		values("extract", []string{"paths"}, []string{"features"}),
		values("stats", []string{"featuers"}, []string{"stats"}))
	check(t, p).expect(t, []string{`input "featuers" of task "stats" (check_test.go:`, `was "features" meant, which task "extract" (check_test.go:`, `External[T]("featuers")`})
}

func TestCheckReportsAMisspelledOptionalInput(t *testing.T) {
	config := values("config", nil, []string{"settings"})
	use := runnel.NewTask("out", runnel.Pure(func(in struct{ Setting runnel.Opt[int] }) int { return 0 }))
	check(t, runnel.NewPipeline().Add(config, use)).expect(t, []string{`input "setting" of task "out"`, `"settings"`})
}

func TestCheckReportsTwoInputsNearEachOtherOnce(t *testing.T) {
	p := runnel.NewPipeline().Add(
		values("a", []string{"config"}, []string{"x"}),
		values("b", []string{"confg"}, []string{"y"}))
	check(t, p).expect(t, []string{`"confg" of task "b"`, `"config" of task "a"`, "misspelling"})
}

func TestCheckReportsAnInputNearADeclaredOne(t *testing.T) {
	p := runnel.NewPipeline(runnel.External[any]("config")).Add(
		values("a", []string{"config"}, []string{"x"}),
		values("b", []string{"konfig"}, []string{"y"}))
	check(t, p).expect(t, []string{`"konfig" of task "b"`, `"config" of task "a"`})
}

func TestCheckTakesDeclaredInputsAsTheyAre(t *testing.T) {
	p := runnel.NewPipeline(runnel.External[any]("feature"), runnel.External[any]("config"), runnel.External[any]("configs")).Add(
		values("extract", []string{"config"}, []string{"features"}),
		values("stats", []string{"feature", "configs", "features"}, []string{"stats"}))
	check(t, p).expect(t)
}

func TestCheckKnowsSeries(t *testing.T) {
	for _, pair := range [][2]string{{"part1", "part2"}, {"part_9", "part_10"}, {"side_a", "side_b"}, {"2024 sales", "2025 sales"}} {
		p := runnel.NewPipeline().Add(values("a", pair[:], []string{"out"}))
		check(t, p).expect(t)
	}
	for _, pair := range [][2]string{{"part1", "paart2"}, {"side_left", "side_lef"}} {
		p := runnel.NewPipeline().Add(values("a", pair[:], []string{"out"}))
		check(t, p).expect(t, []string{pair[0], pair[1]})
	}
}

func TestCheckTellsWordsFromTypingErrors(t *testing.T) {
	for _, c := range []struct {
		input, output string
		typo          bool
	}{
		{"in_file_7", "out_file_7", false},
		{"raw_image", "row_image", false},
		{"features", "raw_features", false},
		{"train_rows", "train_cols", false},
		{"min_value", "max_value", false},
		{"male_count", "female_count", false},
		{"path", "path_to", false},
		{"fil_7", "file_7", true},
		{"out_fiel_7", "out_file_7", true},
		{"audoi_features", "audio_features", true},
		{"fetaures_mean", "features_mean", true},
		{"audio_featrues", "audio_features", true},
		{"audio_featrus", "audio_features", true},
		{"userid", "user_id", true},
		{"audioFeature", "audio_features", true},
		{"Features", "features", true},
	} {
		p := runnel.NewPipeline().Add(values("make", nil, []string{c.output}), values("use", []string{c.input}, []string{"result"}))
		want := [][]string{{c.input, "was " + strconv.Quote(c.output) + " meant"}}
		if !c.typo {
			want = nil
		}
		check(t, p).expect(t, want...)
	}
}

func TestCheckHintsAtTheNearestOfSeveral(t *testing.T) {
	p := runnel.NewPipeline().Add(values("make", nil, []string{"features", "featured_x", "fatures"}), values("use", []string{"featurs"}, []string{"result"}))
	check(t, p).expect(t, []string{`was "features" meant`})
}

func TestCheckReportsASeriesOnce(t *testing.T) {
	p := runnel.NewPipeline()
	for i := range 200 {
		p.Add(values(fmt.Sprint("make", i), nil, []string{fmt.Sprint("file_", i)}), values(fmt.Sprint("use", i), []string{fmt.Sprint("fiel_", i)}, nil))
	}
	check(t, p).expect(t, []string{`input "fiel_0" of task "use0"`, `was "file_0" meant`})
}

// Check looks at each name once, whether they make one series or have nothing in
// common.
func TestCheckOfALargeGraph(t *testing.T) {
	const tasks = 10_000
	letters := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		var w [12]byte
		for i := range w {
			w[i] = 'a' + byte(letters.IntN(26))
		}
		return string(w[:])
	}
	for name, data := range map[string]func(i int) (in, out string){
		"series":   func(i int) (in, out string) { return fmt.Sprint("in_file_", i), fmt.Sprint("out_file_", i) },
		"words":    func(i int) (in, out string) { return word(), word() },
		"compound": func(i int) (in, out string) { return word() + "_mean", word() + "_mean" },
	} {
		t.Run(name, func(t *testing.T) {
			p := runnel.NewPipeline()
			for i := range tasks {
				in, out := data(i)
				p.Add(values(fmt.Sprint("t", i), []string{in}, []string{out}))
			}
			if err := p.Build(); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			check(t, p).expect(t)
			if took := time.Since(start); took > time.Minute {
				t.Errorf("Check of %d tasks took %v: its pairs must be bounded", tasks, took)
			} else {
				t.Logf("took %v", took)
			}
		})
	}
}

func TestCheckCountsTheConsumersBeyondThree(t *testing.T) {
	p := runnel.NewPipeline().Add(values("make", nil, []string{"features"}))
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		p.Add(values(name, []string{"feature"}, []string{"of_" + name + name + name}))
	}
	check(t, p).expect(t, []string{`task "c"`, "2 more"})
}
