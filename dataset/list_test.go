package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseList(t *testing.T) {
	s := func(path string, label, line int32) Sample { return Sample{path, label, line} }
	tests := []struct {
		name, text string
		want       []Sample
	}{
		{"plain", "val/a.JPEG 65\nval/b.JPEG 970\n", []Sample{s("val/a.JPEG", 65, 1), s("val/b.JPEG", 970, 2)}},
		{"no newline at the end", "a.jpg 1", []Sample{s("a.jpg", 1, 1)}},
		{"CRLF", "a.jpg 1\r\nb.jpg 2\r\n", []Sample{s("a.jpg", 1, 1), s("b.jpg", 2, 2)}},
		{"byte order mark", "\xef\xbb\xbfa.jpg 1\n", []Sample{s("a.jpg", 1, 1)}},
		{"byte order mark and CRLF", "\xef\xbb\xbfa.jpg 1\r\n", []Sample{s("a.jpg", 1, 1)}},
		{"blank lines", "\n\na.jpg 1\n  \t\n\r\nb.jpg 2\n\n", []Sample{s("a.jpg", 1, 3), s("b.jpg", 2, 6)}},
		{"tab", "a.jpg\t1\n", []Sample{s("a.jpg", 1, 1)}},
		{"several spaces", "  a.jpg   1  \n", []Sample{s("a.jpg", 1, 1)}},
		{"spaces in the path", "my cat (2).jpg 1\n", []Sample{s("my cat (2).jpg", 1, 1)}},
		{"spaces in the path, no label", "my cat.jpg\n", []Sample{s("my cat.jpg", NoLabel, 1)}},
		{"quotes", "\"my cat.jpg\" 1\n", []Sample{s("my cat.jpg", 1, 1)}},
		{"quotes, no label", "\"my cat 3\"\n", []Sample{s("my cat 3", NoLabel, 1)}},
		{"quotes, no space", "\"a.jpg\"1\n", []Sample{s("a.jpg", 1, 1)}},
		{"no labels", "a.jpg\nb.PNG\n", []Sample{s("a.jpg", NoLabel, 1), s("b.PNG", NoLabel, 2)}},
		{"name that is a number", "17.jpg 3\n", []Sample{s("17.jpg", 3, 1)}},
		{"no extension", "pictures/17 3\n", []Sample{s("pictures/17", 3, 1)}},
		{"last class", "a.jpg 999\n", []Sample{s("a.jpg", 999, 1)}},
		{"plus sign and leading zeros", "a.jpg +007\n", []Sample{s("a.jpg", 7, 1)}},
		{"duplicates", "a.jpg 1\nb.jpg 2\na.jpg 1\n", []Sample{s("a.jpg", 1, 1), s("b.jpg", 2, 2), s("a.jpg", 1, 3)}},
		{"number before the label", "a.jpg 1 2\n", []Sample{s("a.jpg 1", 2, 1)}},
		{"dots inside", "a/../b..jpg 1\n", []Sample{s("a/../b..jpg", 1, 1)}},
		{"bytes that are not UTF-8", "\xff.jpg 1\n", []Sample{s("\xff.jpg", 1, 1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := ParseList([]byte(tt.text), "list.txt", ListOptions{Classes: 1000})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, l.Samples); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if want := tt.want[0].Label != NoLabel; l.Labelled != want {
				t.Errorf("Labelled is %v, want %v", l.Labelled, want)
			}
		})
	}
}

func TestParseListErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "names no pictures"},
		{"only blank lines", "\n \r\n\n", "names no pictures"},
		{"only a byte order mark", "\xef\xbb\xbf", "names no pictures"},
		{"negative label", "a.jpg 1\nb.jpg -1\n", "list.txt:2: label -1 is negative"},
		{"label not below classes", "a.jpg 10\n", "list.txt:1: label 10, but there are 10 classes (0..9)"},
		{"label beyond int32", "a.jpg 4294967296\n", "label 4294967296 is out of range"},
		{"label is a fraction", "a.jpg 1.0\n", `label "1.0" is not a whole number`},
		{"label is a word", "a.jpg cat\n", `label "cat" is not a whole number`},
		{"label is hexadecimal", "a.jpg 0x1\n", "is not a whole number"},
		{"comma", "a.jpg,1\n", "has no labels"},
		{"label missing in one line", "a.jpg 1\nb.jpg\n", "list.txt:2: has no label, unlike line 1"},
		{"label in one line only", "a.jpg\n\nb.jpg 1\n", "list.txt:3: has a label, unlike line 1"},
		{"absolute path", "/etc/passwd 1\n", "leads outside"},
		{"parent", "../a.jpg 1\n", "leads outside"},
		{"parent in the middle", "a/../../b.jpg 1\n", "leads outside"},
		{"address", "https://example.com/a.jpg 1\n", "is an address"},
		{"quote not closed", "\"a.jpg 1\n", "quote is not closed"},
		{"empty quotes", "\"\" 1\n", "path is empty"},
		{"text behind quotes", "\"a.jpg\" 1 x\n", "is not a whole number"},
		{"duplicate with another label", "a.jpg 1\nb.jpg 2\na.jpg 3\n", "list.txt:3: a.jpg has label 3 here and 1 in line 1"},
		{"zero byte", "a.jpg 1\nb\x00.jpg 2\n", "list.txt:2: contains a zero byte"},
		{"UTF-16", "\xff\xfea\x00", "is UTF-16"},
		{"very long path", strings.Repeat("x", 5000) + " 1\n", "path of 5000 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := ParseList([]byte(tt.text), "list.txt", ListOptions{Classes: 10, NeedLabels: true})
			if err == nil {
				t.Fatalf("no error; samples %v", l.Samples)
			}
			if !errors.Is(err, ErrList) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want an ErrList with %q", err, tt.want)
			}
		})
	}
}

func TestParseListOptions(t *testing.T) {
	l, err := ParseList([]byte("a.jpg 2000000000\na.jpg 2000000000\n"), "x", ListOptions{})
	if err != nil || l.Samples[0].Label != 2000000000 || l.Duplicates != 1 {
		t.Errorf("any class: %+v, %v", l, err)
	}
	if _, err := ParseList([]byte("a.jpg\n"), "x", ListOptions{NeedLabels: true}); !errors.Is(err, ErrList) {
		t.Errorf("no labels where they are needed: %v", err)
	}
}

// tree writes files below a new folder; names that end in / are folders.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		dir := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir != path {
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func TestReadListMissingFiles(t *testing.T) {
	root := tree(t, map[string]string{"val/0.jpg": "", "file": "", "dir.jpg/": ""})
	list := filepath.Join(root, "list.txt")
	write := func(text string) {
		if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var text strings.Builder
	for i := range 6 {
		fmt.Fprintf(&text, "val/%d.jpg %d\n", i, i)
	}
	write(text.String() + "file/under.jpg 1\n")
	_, err := ReadList(root, list, ListOptions{})
	if !errors.Is(err, ErrMissing) || !errors.Is(err, ErrList) {
		t.Fatalf("error %v, want ErrMissing and ErrList", err)
	}
	if want := "6 of the 7 in " + list + " do not exist under " + root + ": val/1.jpg (line 2), val/2.jpg (line 3), val/3.jpg (line 4), …"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error  %q\nwant … %q", err, want)
	}
	if l, err := ReadList(root, list, ListOptions{SkipFileCheck: true}); err != nil || l.Len() != 7 {
		t.Errorf("without the check: %v, %v", l, err)
	}
	write("val/0.jpg 1\n")
	l, err := ReadList(root, list, ListOptions{})
	if err != nil || l.File(0) != filepath.Join(root, "val", "0.jpg") || l.Root != root {
		t.Errorf("all there: %+v, %v", l, err)
	}
	write("dir.jpg 1\n")
	if _, err := ReadList(root, list, ListOptions{}); !errors.Is(err, ErrList) || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder as picture: %v", err)
	}
	write("val/" + strings.Repeat("y", 300) + ".jpg 1\n")
	if _, err := ReadList(root, list, ListOptions{}); !errors.Is(err, ErrList) {
		t.Errorf("a name too long for the file system: %v", err)
	}
}

func TestReadListRefuses(t *testing.T) {
	root := tree(t, map[string]string{"a.jpg": "", "list.txt": "a.jpg 1\n", "sub/": ""})
	at := func(name string) string { return filepath.Join(root, name) }
	for _, tt := range []struct{ name, root, list, want string }{
		{"no such root", at("none"), at("list.txt"), "no such file"},
		{"root is a file", at("a.jpg"), at("list.txt"), "is a file"},
		{"no such list", root, at("none.txt"), "no such file"},
		{"list is a folder", root, at("sub"), "is a folder"},
		{"list is a device", root, "/dev/zero", "is not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ReadList(tt.root, tt.list, ListOptions{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestOpenFindsList(t *testing.T) {
	root := tree(t, map[string]string{
		"val_list.txt": "val/a.jpg 1\n", "other.txt": "val/b.jpg 2\n", "val/a.jpg": "", "val/b.jpg": "",
		"plain/x.png": "", "plain/y.txt": "",
	})
	outside := filepath.Join(tree(t, map[string]string{"l.txt": "val/b.jpg 3\n"}), "l.txt")
	for _, tt := range []struct {
		name, dir, list string
		want            Sample
	}{
		{"the seed's list", root, "", Sample{"val/a.jpg", 1, 1}},
		{"list named relative to the data", root, "other.txt", Sample{"val/b.jpg", 2, 1}},
		{"list named by its whole path", root, outside, Sample{"val/b.jpg", 3, 1}},
		{"no list", filepath.Join(root, "plain"), "", Sample{"x.png", NoLabel, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Open(tt.dir, tt.list, ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Sample{tt.want}, l.Samples); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeadAndSpread(t *testing.T) {
	var text strings.Builder
	for i := range 10 {
		fmt.Fprintf(&text, "%d.jpg %d\n", i, i)
	}
	l, err := ParseList([]byte(text.String()), "x", ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	labels := func(l *List) (out []int32) {
		for _, s := range l.Samples {
			out = append(out, s.Label)
		}
		return out
	}
	all := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, tt := range []struct {
		name string
		got  *List
		want []int32
	}{
		{"head", l.Head(3), []int32{0, 1, 2}}, {"head of none", l.Head(0), all}, {"head beyond", l.Head(11), all},
		{"spread", l.Spread(4), []int32{0, 2, 5, 7}}, {"spread of none", l.Spread(0), all}, {"spread of all", l.Spread(10), all},
	} {
		if diff := cmp.Diff(tt.want, labels(tt.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if !tt.got.Labelled || tt.got.Name != "x" {
			t.Errorf("%s lost the list's own fields", tt.name)
		}
	}
}

func FuzzParseList(f *testing.F) {
	for _, s := range []string{"", "a.jpg 1\nb.jpg 2", "\xef\xbb\xbf\"a b\" 3\r\n", "a b c.png\n", "../x 1", "\"", "\" \"", "a\t-1", "\xff\xfe"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseList(text, "fuzz", ListOptions{Classes: 1000})
		if err != nil {
			if !errors.Is(err, ErrList) {
				t.Fatalf("error %v does not wrap ErrList", err)
			}
			return
		}
		for _, s := range l.Samples {
			if !filepath.IsLocal(s.Path) || s.Label < NoLabel || s.Label > 999 || (s.Label != NoLabel) != l.Labelled {
				t.Fatalf("sample %+v of a list with Labelled=%v", s, l.Labelled)
			}
		}
	})
}
