// Package compile measures what a task costs the compiler: Go makes a copy of generic code
// for each pair of types, of which a program with a hundred tasks has a hundred.
package compile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Kind is a way to write down a step of a program. Each step has types of its own, and
// takes what the one before returns: # stands for its number, @ for that of the one before.
type Kind struct {
	Name  string
	field string // of the input struct
	out   string // the type of an output
	step  string
	end   string
}

// Kinds are a plain call, for comparison, and three constructors of tasks.
var Kinds = []Kind{
	{
		"a call by hand",
		"Value Out@", "struct{ N int }",
		"out#, err := f#(ctx, In#{out@}); if err != nil { panic(err) }; _ = out#", "",
	},
	{
		"NewTask",
		"Value Out@ `runnel:\"out@\"`", "struct{ N int }",
		"tasks = append(tasks, runnel.NewTask(\"out#\", f#))", built,
	},
	{
		"NewMultiTask",
		"Value int `runnel:\"n@\"`", "struct{ N int `runnel:\"n#\"` }",
		"tasks = append(tasks, runnel.NewMultiTask(f#))", built,
	},
	{
		"NewMapTask",
		"Value Out@ `runnel:\"out@[i]\"`", "struct{ N int }",
		"tasks = append(tasks, runnel.NewMapTask(\"out#[i]\", f#))", built,
	},
}

const built = "if _, err := runnel.FromTasks(tasks...); err != nil { panic(err) }"

// Source is a program of n steps.
func (k Kind) Source(n int) string {
	var types, steps strings.Builder
	for i := range n + 1 {
		line := func(to *strings.Builder, text string, number int) {
			fmt.Fprintln(to, strings.NewReplacer("#", strconv.Itoa(number), "@", strconv.Itoa(number-1)).Replace(text))
		}
		line(&types, "type Out# "+k.out, i)
		if i == 0 {
			continue
		}
		line(&types, "type In# struct { "+k.field+" }", i)
		line(&types, "//go:noinline\nfunc f#(ctx context.Context, in In#) (out Out#, err error) { return out, ctx.Err() }", i)
		line(&steps, "\t"+k.step, i)
	}
	return "package main\n\nimport (\n\t\"context\"\n\n\t\"github.com/runnelflow/runnel\"\n)\n\n" + types.String() +
		"\nfunc main() {\n\tctx := context.Background()\n\tvar tasks []runnel.AnyTask\n\tvar out0 Out0\n" + steps.String() + "\t" + k.end + "\n\t_, _, _ = ctx, tasks, out0\n}\n"
}

// Cost is what a program came to.
type Cost struct {
	Functions int           // that the compiler made
	Code      int           // bytes of them
	Time      time.Duration // of all processors, to compile and to link
	Binary    int64         // bytes
}

// text is a function in what the compiler lists.
var text = regexp.MustCompile(`(?m)^[^\s].* STEXT .*?\bsize=(\d+)`)

// Measure compiles a program of n steps, which is laid over the module that is worked in. Each
// time it is another program, since the compiler's output is kept.
func (k Kind) Measure(ctx context.Context, n int) (Cost, error) {
	dir, err := os.MkdirTemp("", "compile")
	if err != nil {
		return Cost{}, err
	}
	defer os.RemoveAll(dir)
	program, source := "compile/program", filepath.Join(dir, "main.go")
	at, err := filepath.Abs(filepath.Join(program, "main.go"))
	if err != nil {
		return Cost{}, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {at: source}})
	if err != nil {
		return Cost{}, err
	}
	different := fmt.Sprintf("%s\nconst different = %d\n", k.Source(n), time.Now().UnixNano())
	for name, data := range map[string][]byte{"main.go": []byte(different), "overlay.json": overlay} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return Cost{}, err
		}
	}
	binary := filepath.Join(dir, "program")
	build := func(flags ...string) (*exec.Cmd, string, error) {
		args := append([]string{"build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary}, flags...)
		cmd := exec.CommandContext(ctx, "go", append(args, "./"+program)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("go %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, out)
		}
		return cmd, string(out), err
	}
	// The first one has all else compiled.
	_, listed, err := build("-gcflags=-S")
	if err != nil {
		return Cost{}, err
	}
	var c Cost
	for _, function := range text.FindAllStringSubmatch(listed, -1) {
		size, err := strconv.Atoi(function[1])
		if err != nil {
			return Cost{}, err
		}
		c.Functions++
		c.Code += size
	}
	cmd, _, err := build()
	if err != nil {
		return Cost{}, err
	}
	c.Time = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	info, err := os.Stat(binary)
	if err != nil {
		return Cost{}, err
	}
	c.Binary = info.Size()
	return c, nil
}

// PerStep is what one more step costs, from programs of few and of many.
func (k Kind) PerStep(ctx context.Context, few, many int) (Cost, error) {
	less, err := k.Measure(ctx, few)
	if err != nil {
		return Cost{}, err
	}
	more, err := k.Measure(ctx, many)
	if err != nil {
		return Cost{}, err
	}
	n := many - few
	return Cost{
		(more.Functions - less.Functions) / n, (more.Code - less.Code) / n,
		(more.Time - less.Time) / time.Duration(n), (more.Binary - less.Binary) / int64(n),
	}, nil
}
