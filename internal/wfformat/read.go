package wfformat

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"time"
)

// Limits on what Read takes in, so that a wrong file ends in an error and not
// in exhausted memory.
const (
	MaxBytes = 64 << 20 // of JSON, after decompression
	MaxTasks = 1_000_000
)

const schemaVersion = "1.5"

// document holds the parts of the schema that Read uses. Pointers tell a field
// that is absent from one that is empty.
type document struct {
	Name          string `json:"name"`
	SchemaVersion string `json:"schemaVersion"`
	Workflow      *struct {
		Specification *struct {
			Tasks []struct {
				ID       string   `json:"id"`
				Name     string   `json:"name"`
				Parents  []string `json:"parents"`
				Children []string `json:"children"`
				Inputs   []string `json:"inputFiles"`
				Outputs  []string `json:"outputFiles"`
			} `json:"tasks"`
		} `json:"specification"`
		Execution *struct {
			Tasks []struct {
				ID      string   `json:"id"`
				Runtime *float64 `json:"runtimeInSeconds"`
			} `json:"tasks"`
		} `json:"execution"`
	} `json:"workflow"`
}

// Load reads the workflow in the file at path. A path that ends in .gz is
// decompressed. Errors name the path and otherwise are those of [Read].
func Load(path string) (*Workflow, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("wfformat: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("wfformat: %s: expected gzip data, as the name says: %w", path, err)
		}
		defer z.Close()
		r = z
	}
	w, err := parse(r, MaxBytes, MaxTasks)
	if err != nil {
		return nil, fmt.Errorf("wfformat: %s: %w", path, err)
	}
	return w, nil
}

// Read reads one workflow of schema version 1.5 from r, to its end. It takes
// parents, children and files from workflow.specification.tasks and runtimes
// from workflow.execution.tasks, matched by id.
//
// The error names the field or the task and what was expected of it. Besides
// what [Workflow.Validate] refuses, Read refuses an input over [MaxBytes] or
// [MaxTasks], another schema version, a task without a recorded runtime, a
// runtime without a task, and a child that does not list its parent.
func Read(r io.Reader) (*Workflow, error) {
	w, err := parse(r, MaxBytes, MaxTasks)
	if err != nil {
		return nil, fmt.Errorf("wfformat: %w", err)
	}
	return w, nil
}

func parse(r io.Reader, maxBytes int64, maxTasks int) (*Workflow, error) {
	doc, err := decode(r, maxBytes)
	if err != nil {
		return nil, err
	}
	switch {
	case doc.SchemaVersion != schemaVersion:
		return nil, fmt.Errorf("schemaVersion: expected %q, got %q", schemaVersion, doc.SchemaVersion)
	case doc.Workflow == nil || doc.Workflow.Specification == nil || len(doc.Workflow.Specification.Tasks) == 0:
		return nil, errors.New("workflow.specification.tasks: expected at least one task, got none")
	case doc.Workflow.Execution == nil:
		return nil, errors.New("workflow.execution: expected the recorded runtimes, but it is absent; an instance without an execution cannot be replayed")
	}
	specified := doc.Workflow.Specification.Tasks
	if len(specified) > maxTasks {
		return nil, fmt.Errorf("workflow.specification.tasks: expected at most %d tasks, got %d", maxTasks, len(specified))
	}
	w := &Workflow{Name: doc.Name, Tasks: make([]Task, len(specified))}
	for i, s := range specified {
		w.Tasks[i] = Task{ID: s.ID, Name: s.Name, Parents: s.Parents, Inputs: s.Inputs, Outputs: s.Outputs}
	}
	if err := w.setRuntimes(doc); err != nil {
		return nil, err
	}
	if err := w.Validate(); err != nil {
		return nil, err
	}
	return w, w.checkChildren(doc)
}

// decode reads the one JSON document in r.
func decode(r io.Reader, maxBytes int64) (*document, error) {
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	dec := json.NewDecoder(limited)
	doc := new(document)
	err := dec.Decode(doc)
	if err == nil {
		// Only the end may follow: a second document would go unnoticed.
		if _, next := dec.Token(); next != io.EOF {
			err = fmt.Errorf("expected one JSON document, found more after byte %d", dec.InputOffset())
		}
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("expected at most %d bytes of JSON, got more", maxBytes)
	}
	if err == nil {
		return doc, nil
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := cmp.Or(mismatch.Field, "the document")
		return nil, fmt.Errorf("%s: expected %s, got %s, near byte %d", field, jsonKind(mismatch.Type), mismatch.Value, mismatch.Offset)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, fmt.Errorf("expected JSON: %w, at byte %d", err, syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the JSON ends early, after %d bytes: %w", maxBytes+1-limited.N, io.ErrUnexpectedEOF)
	}
	return nil, err
}

// jsonKind says in JSON's words what a Go type is decoded from.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Float64:
		return "a number a float64 holds"
	case reflect.Slice:
		return "an array"
	case reflect.Struct:
		return "an object"
	default:
		return "a " + t.Kind().String()
	}
}

// setRuntimes copies the recorded runtimes into w's tasks.
func (w *Workflow) setRuntimes(doc *document) error {
	index := w.index()
	recorded := make([]bool, len(w.Tasks))
	for _, e := range doc.Workflow.Execution.Tasks {
		i, ok := index[e.ID]
		if !ok {
			return fmt.Errorf("workflow.execution.tasks: id %q is no task of workflow.specification.tasks", e.ID)
		}
		if recorded[i] {
			return fmt.Errorf("workflow.execution.tasks: id %q stands twice; expected one execution a task", e.ID)
		}
		if e.Runtime == nil {
			return fmt.Errorf("task %q: runtimeInSeconds is missing from its entry in workflow.execution.tasks", e.ID)
		}
		const most = float64(math.MaxInt64) / float64(time.Second)
		if *e.Runtime < 0 || *e.Runtime >= most {
			return fmt.Errorf("task %q: runtimeInSeconds: expected 0 or more and less than %.4g, got %v", e.ID, most, *e.Runtime)
		}
		recorded[i] = true
		w.Tasks[i].Runtime = time.Duration(math.Round(*e.Runtime * float64(time.Second)))
	}
	for i, t := range w.Tasks {
		// A repeated id has one place in the index; Validate reports it.
		if index[t.ID] == i && !recorded[i] {
			return fmt.Errorf("task %q: expected its runtime in workflow.execution.tasks, but it has no entry there", t.ID)
		}
	}
	return nil
}

// checkChildren compares the children that the document lists, an edge's other
// end, with the parents. Children may be left out altogether; parents may not.
func (w *Workflow) checkChildren(doc *document) error {
	index := w.index()
	parents := make([]map[string]bool, len(w.Tasks))
	for i, t := range w.Tasks {
		parents[i] = make(map[string]bool, len(t.Parents))
		for _, p := range t.Parents {
			parents[i][p] = true
		}
	}
	for _, s := range doc.Workflow.Specification.Tasks {
		for _, c := range s.Children {
			i, ok := index[c]
			if !ok {
				return fmt.Errorf("task %q: child %q is not the id of a task", s.ID, c)
			}
			if !parents[i][s.ID] {
				return fmt.Errorf("task %q: lists child %q, but that task does not list it among its parents", s.ID, c)
			}
		}
	}
	return nil
}
