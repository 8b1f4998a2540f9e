package runnel

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSnakeTable(t *testing.T) {
	for field, want := range map[string]string{
		// The table of the design.
		"URL": "url", "UserID": "user_id", "UserIDs": "user_ids", "HTTPServer": "http_server",
		"MIRFeatures": "mir_features", "LR": "lr", "Top10": "top10", "Ok2": "ok2", "X": "x",
		// What follows from its rules.
		"Paths": "paths", "AudioFeatures": "audio_features", "IDs": "ids", "IDsOfUsers": "ids_of_users",
		"URLs": "urls", "HTTPSURL": "httpsurl", "ServeHTTP": "serve_http", "ABTest": "ab_test",
		"IsOK": "is_ok", "Top10Items": "top10_items", "SHA256Sum": "sha256_sum", "V2": "v2", "AtoB": "ato_b",
		"Snake_Case": "snake_case", "Already_snake": "already_snake", "A_B": "a_b", "Trailing_": "trailing_",
		"Élan": "élan", "ÜberGröße": "über_größe", "ΔTime": "δ_time", "GPUs": "gpus", "": "",
	} {
		if got := snake(field); got != want {
			t.Errorf("snake(%q) = %q, want %q", field, got, want)
		}
	}
}

func FuzzSnake(f *testing.F) {
	for _, s := range []string{"", "URL", "UserIDs", "HTTPServer", "Top10", "_", "A__B", "ǅ", "İstanbul", "\xff\xfe", "aBcDe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		got := snake(field)
		if !utf8.ValidString(got) {
			t.Fatalf("snake(%q) = %q is not UTF-8", field, got)
		}
		letters := func(s string) string { return strings.ReplaceAll(strings.Map(unicode.ToLower, s), "_", "") }
		if utf8.ValidString(field) && letters(got) != letters(field) {
			t.Fatalf("snake(%q) = %q changes letters", field, got)
		}
		if strings.Contains(got, "__") && !strings.Contains(field, "__") {
			t.Fatalf("snake(%q) = %q doubles an underscore", field, got)
		}
		if strings.HasPrefix(got, "_") && !strings.HasPrefix(field, "_") {
			t.Fatalf("snake(%q) = %q begins with an underscore", field, got)
		}
		for _, r := range got {
			if unicode.IsUpper(r) && unicode.ToLower(r) != r {
				t.Fatalf("snake(%q) = %q has an upper-case letter", field, got)
			}
		}
		// A name in snake case is left as it is; a few upper-case letters have no
		// lower-case form.
		if again := snake(got); again != got && !strings.ContainsFunc(got, unicode.IsUpper) {
			t.Fatalf("snake(snake(%q)): %q became %q", field, got, again)
		}
	})
}
