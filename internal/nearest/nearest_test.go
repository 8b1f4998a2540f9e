package nearest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestName(t *testing.T) {
	known := []string{
		"features", "audio_features", "mir_features", "tags", "embedding",
		"config", "user_id", "lr", "x", "path", "Größe",
	}
	for _, c := range []struct{ want, near string }{
		{"features", "features"},
		{"Features", "features"},
		{"feature", "features"},
		{"faetures", "features"}, // a swap is one edit
		{"feturess", "features"}, // two edits in eight letters
		{"fxturezz", ""},         // four
		{"audioFeatures", "audio_features"},
		{"audio-feature", "audio_features"},
		{"userid", "user_id"},
		{"USER_ID", "user_id"},
		{"paths", "path"},
		{"tag", "tags"},
		{"tgas", "tags"},
		{"lx", ""}, // half of a short name is another name
		{"lrs", "lr"},
		{"y", ""},
		{"X", "x"},
		{"größe", "Größe"},
		{"grosse", ""},
		{"embeding", "embedding"},
		{"", ""},
		{"_", ""},
		{"something_else_entirely", ""},
		{"\xff\xfe", ""},
	} {
		got, ok := Name(c.want, slices.Values(known))
		if got != c.near || ok != (c.near != "") {
			t.Errorf("Name(%q) = %q, %v; want %q", c.want, got, ok, c.near)
		}
	}
}

func TestNameNoneKnown(t *testing.T) {
	if got, ok := Name("features", slices.Values([]string{})); ok {
		t.Errorf("found %q among no names", got)
	}
}

func TestNameTiesAreAlphabetical(t *testing.T) {
	known := []string{"stat_c", "stat_a", "stat_b"}
	for range len(known) {
		if got, _ := Name("stat_x", slices.Values(known)); got != "stat_a" {
			t.Errorf("Name = %q with %v", got, known)
		}
		known = append(known[1:], known[0])
	}
	// Case and underscores alone come before any edit, even one that sorts first.
	if got, _ := Name("userid", slices.Values([]string{"useri", "User_ID"})); got != "User_ID" {
		t.Errorf("Name = %q, want User_ID", got)
	}
}

// osa is the textbook recurrence, with the whole table.
func osa(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0:
				d[i][j] = j
			case j == 0:
				d[i][j] = i
			default:
				change := 1
				if a[i-1] == b[j-1] {
					change = 0
				}
				d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], d[i-2][j-2]+1)
				}
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestBandedDistanceAgainstFullTable(t *testing.T) {
	var shared table // rows left from one pair must not disturb the next
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := []rune(word.Draw(t, "a")), []rune(word.Draw(t, "b"))
		limit := rapid.IntRange(0, most).Draw(t, "limit")
		got, want := shared.distance(a, b, limit), osa(a, b)
		if want <= limit && got != want || want > limit && got <= limit {
			t.Fatalf("distance(%q, %q, %d) = %d, want %d", string(a), string(b), limit, got, want)
		}
	})
}

func TestNameAgainstAllDistances(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abAB_")), 0, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		want := word.Draw(t, "want")
		known := rapid.SliceOfN(word, 0, 6).Draw(t, "known")
		best, edits := "", most+1
		target := appendFolded(nil, want)
		for _, name := range slices.Sorted(slices.Values(known)) {
			letters := appendFolded(nil, name)
			d := osa(target, letters)
			if len(target) > 0 && d <= max(len(target), len(letters))/3 && d < edits {
				best, edits = name, d
			}
		}
		got, ok := Name(want, slices.Values(known))
		if got != best || ok != (edits <= most) {
			t.Fatalf("Name(%q, %q) = %q, %v; want %q", want, known, got, ok, best)
		}
	})
}

func TestNameOfGreatLength(t *testing.T) {
	long := strings.Repeat("ab", 200_000)
	if got, ok := Name(long+"c", slices.Values([]string{long})); !ok || got != long {
		t.Errorf("a single edit at the end of a long name was not found")
	}
}

func BenchmarkNameAmongManyKnown(b *testing.B) {
	known := make([]string, 100_000)
	for i := range known {
		known[i] = fmt.Sprintf("audio_feature_%05d", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Name("audio_faeture_99999", slices.Values(known)); !ok {
			b.Fatal("not found")
		}
	}
}
