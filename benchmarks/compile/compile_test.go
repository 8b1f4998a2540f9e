package compile

import "testing"

// TestATaskIsFewFunctions: the numbers are the same in every run, with one release of Go and
// on one kind of processor; there is room for others.
func TestATaskIsFewFunctions(t *testing.T) {
	most := map[string]Cost{
		"a call by hand": {Functions: 2, Code: 300},
		"NewTask":        {Functions: 75, Code: 9_000},
		"NewMultiTask":   {Functions: 85, Code: 10_500},
		"NewMapTask":     {Functions: 90, Code: 14_000},
	}
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) {
			got, err := k.PerStep(t.Context(), 5, 15)
			if err != nil {
				t.Fatal(err)
			}
			want := most[k.Name]
			if got.Functions < 1 || got.Functions > want.Functions || got.Code < 100 || got.Code > want.Code {
				t.Errorf("one more is %d functions and %d bytes of code, want at most %d and %d", got.Functions, got.Code, want.Functions, want.Code)
			}
		})
	}
}
