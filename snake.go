package runnel

import (
	"strings"
	"unicode"
)

// snake is the data name of a Go field name: UserID is user_id, HTTPServer is
// http_server, UserIDs is user_ids, Top10 is top10.
//
// A word starts at an upper-case letter that follows a lower-case letter or a
// digit, and at the last of several upper-case letters when a lower-case one
// follows, except for the plural s of an acronym.
func snake(field string) string {
	runes := []rune(field)
	lower := func(i int) bool { return i < len(runes) && unicode.IsLower(runes[i]) }
	var b strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && runes[i-1] != '_' {
			plural := lower(i+1) && runes[i+1] == 's' && !lower(i+2)
			if !unicode.IsUpper(runes[i-1]) || lower(i+1) && !plural {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
