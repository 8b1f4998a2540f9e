package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// root is the repository, from this package's folder.
const root = "../.."

// A block is a fenced part of a page.
type block struct {
	page    string // path from the root of the repository
	line    int    // of the first line of its text
	lang    string // "go", "text", …, or "prelude"
	heading string // the one it stands under
	from    string // file that it is an excerpt of, from the root; empty for others
	text    string
}

// pages are the paths of the pages that users read, from the root.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(found) == 0 {
		t.Fatalf("expected pages in docs/, found %v, %v", found, err)
	}
	names := []string{"README.md"}
	for _, path := range found {
		names = append(names, "docs/"+filepath.Base(path))
	}
	return names
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// excerpt is the line in front of a block that is part of a file.
var excerpt = regexp.MustCompile(`^<!-- from (\S+) -->$`)

// blocks are the fenced blocks and preludes of a page.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	var found []block
	var open *block
	heading, end, indent, from := "", "", "", ""
	for i, line := range strings.Split(read(t, page), "\n") {
		lang, fenced := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
		switch {
		case open != nil && strings.TrimPrefix(line, indent) == end:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case fenced:
			indent = line[:strings.Index(line, "`")] // of a list's item
			open, end, from = &block{page: page, line: i + 2, lang: lang, heading: heading, from: from}, "```", ""
		case line == "<!-- go prelude":
			open, end, indent = &block{page: page, line: i + 2, lang: "prelude", heading: heading}, "-->", ""
		case excerpt.MatchString(line):
			from = excerpt.FindStringSubmatch(line)[1]
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end, a line %q", page, open.line, end)
	}
	return found
}

// headings are those of one depth in a page.
func headings(t *testing.T, page, mark string) []string {
	t.Helper()
	var found []string
	for line := range strings.SplitSeq(read(t, page), "\n") {
		if text, ok := strings.CutPrefix(line, mark+" "); ok {
			found = append(found, text)
		}
	}
	return found
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, page := range append(pages(t), "CONTRIBUTING.md", "CHANGELOG.md") {
		prose := fenced.ReplaceAllString(read(t, page), "")
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, fragment, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: link to %s: there is no %s", page, m[1], target)
				continue
			}
			if fragment == "" {
				continue
			}
			var anchors []string
			for _, mark := range []string{"#", "##", "###"} {
				for _, h := range headings(t, target, mark) {
					anchors = append(anchors, strings.ReplaceAll(anchor.ReplaceAllString(strings.ToLower(h), ""), " ", "-"))
				}
			}
			if !slices.Contains(anchors, fragment) {
				t.Errorf("%s: link to %s: %s has no such heading, only %q", page, m[1], target, anchors)
			}
		}
	}
}
