package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnelflow/runnel/benchmarks/shape"
)

func TestNoPythonIsSaid(t *testing.T) {
	for _, p := range peers {
		_, err := p.run(context.Background(), "no-such-python", newJob(shape.Chain(3), 1, 1))
		if !errors.Is(err, errMissing) || !strings.Contains(err.Error(), "there is no no-such-python") {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// python is where Python is; without it there is nothing to run the scripts with.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here to run the scripts with")
	}
	if err := exec.Command(path, "-c", "pass").Run(); err != nil {
		t.Skipf("python3 does not run here: %v", err)
	}
	return path
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAMissingModuleIsSaid(t *testing.T) {
	py, dir := python(t), t.TempDir()
	for _, module := range []string{"dask", "taskiq", "taskiq_flow"} {
		write(t, dir, module+".py", "raise ImportError('no "+module+" here')\n")
	}
	for _, p := range peers {
		_, err := p.run(context.Background(), py, newJob(shape.Chain(3), 1, 1), "PYTHONPATH="+dir)
		if !errors.Is(err, errMissing) || !strings.Contains(err.Error(), "here") {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// The scripts run against modules with the same names and signatures as the real
// ones, which do as little as possible.
func TestTheScriptsRunGraphs(t *testing.T) {
	py, dir := python(t), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dask"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "dask/__init__.py", "__version__ = '1'\n")
	write(t, dir, "dask/threaded.py", `
def get(dsk, keys, cache=None, num_workers=None, pool=None, **kwargs):
    done = {}
    for key, (function, *args) in dsk.items():
        done[key] = function(*(done[a] for a in args))
    return tuple(done[k] for k in keys)
`)
	write(t, dir, "taskiq.py", `
class InMemoryBroker:
    def task(self, task_name=None, **labels):
        def decorate(function):
            function.task_name = task_name
            return function
        return decorate
    async def startup(self): pass
    async def shutdown(self): pass
`)
	write(t, dir, "taskiq_flow.py", `
def pipeline_task(output, inputs=None, retries=0):
    def decorate(function):
        function.output, function.inputs = output, inputs
        return function
    return decorate

class DataflowPipeline:
    @classmethod
    def from_tasks(cls, broker, tasks):
        p = cls()
        p.tasks = tasks
        return p
    async def kiq_dataflow(self, **inputs):
        done = dict(inputs)
        for t in self.tasks:
            done[t.output] = await t(**{name: done[name] for name in t.inputs})
        return done
`)
	for _, g := range []*shape.Graph{shape.Chain(20), shape.Tree(16), shape.Random(5, 4)} {
		for _, p := range peers {
			a, err := p.run(context.Background(), py, newJob(g, 3, 2), "PYTHONPATH="+dir)
			if err != nil {
				t.Errorf("%s: %v", g.Name(), err)
				continue
			}
			if build, run := a.perTask(g.N()); !(build > 0 && run > 0) || a.Version == "" {
				t.Errorf("%s: %s: %+v", g.Name(), p.name, a)
			}
		}
	}
	// One that leaves tasks out is found out.
	write(t, dir, "dask/threaded.py", "def get(dsk, keys, **kwargs):\n    return tuple(1 for k in keys)\n")
	if _, err := peers[0].run(context.Background(), py, newJob(shape.Chain(20), 1, 1), "PYTHONPATH="+dir); err == nil || !strings.Contains(err.Error(), "did not run every task") {
		t.Errorf("a scheduler that does nothing: %v", err)
	}
}

func TestTheScriptsParse(t *testing.T) {
	py := python(t)
	for _, name := range []string{"dask_graph.py", "taskiq_flow_graph.py"} {
		cmd := exec.Command(py, "-m", "py_compile", name)
		cmd.Env = append(os.Environ(), "PYTHONPYCACHEPREFIX="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
