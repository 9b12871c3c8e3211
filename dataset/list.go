package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrList is wrapped by every error about the content of an image list or folder.
var ErrList = errors.New("bad image list")

// ErrMissing is wrapped, beside ErrList, where a list names files that do not exist.
var ErrMissing = errors.New("image files missing")

// maxListBytes bounds a list file; ten million lines of ImageNet's kind fit in.
const maxListBytes = 1 << 30

// NoLabel is the label of a sample without one.
const NoLabel = -1

// A Sample is one line of a list.
type Sample struct {
	// Path is relative to the list's root, with forward slashes as in the list.
	Path string
	// Label is a class from 0, or NoLabel.
	Label int32
	// Line is the line of the list file, from 1; 0 for folders.
	Line int32
}

// A List is an ordered set of pictures. It does not change after it was made.
type List struct {
	// Root is the folder the paths are relative to.
	Root string
	// Name is the list file, or the folder if there was none; for messages.
	Name    string
	Samples []Sample
	// Labelled says that every sample has a label; otherwise none has.
	Labelled bool
	// Classes names the sub-folders of an image folder in the order of labels; nil for list files.
	Classes []string
	// Duplicates counts the lines that repeat an earlier line's path with the same label.
	Duplicates int
}

// ListOptions says what a list must be like.
type ListOptions struct {
	// Classes is the number of classes; labels from there on are errors. 0 allows any.
	Classes int
	// NeedLabels makes a list without labels an error.
	NeedLabels bool
	// SkipFileCheck leaves it to the reader to find that files are missing.
	SkipFileCheck bool
}

// Open opens the data in dir. With a list file, named relative to dir or to the
// working directory, it is ReadList; without one it is the seed's val_list.txt
// if that stands in dir, else OpenFolder.
func Open(dir, list string, opt ListOptions) (*List, error) {
	if list == "" {
		list = filepath.Join(dir, "val_list.txt")
		if _, err := os.Stat(list); errors.Is(err, fs.ErrNotExist) {
			return OpenFolder(dir, opt)
		}
	} else if inDir := filepath.Join(dir, list); !filepath.IsAbs(list) {
		if _, err := os.Stat(inDir); err == nil {
			list = inDir
		}
	}
	return ReadList(dir, list, opt)
}

// ReadList reads a list file with a line "PATH LABEL" for each picture under
// root. The label is optional, for all lines or none. A byte order mark, CRLF,
// blank lines, tabs and double quotes around the path are allowed; the path may
// contain spaces. Every line is checked, and that every file exists and is a
// regular file, before it returns. Paths cannot leave root (symbolic links
// inside it are followed). Errors wrap ErrList and name the file and line.
func ReadList(root, file string, opt ListOptions) (*List, error) {
	if st, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("image list: %w", err)
	} else if !st.IsDir() {
		return nil, fmt.Errorf("%w: data folder %s is a file", ErrList, root)
	}
	text, err := readRegular(file, maxListBytes)
	if err != nil {
		return nil, fmt.Errorf("image list: %w", err)
	}
	l, err := ParseList(text, file, opt)
	if err != nil {
		return nil, err
	}
	l.Root = root
	if !opt.SkipFileCheck {
		if err := l.checkFiles(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// ParseList parses the text of a list file without looking for the pictures.
// name is used in messages.
func ParseList(text []byte, name string, opt ListOptions) (*List, error) {
	l := &List{Name: name}
	fail := func(line int, format string, a ...any) error {
		return fmt.Errorf("%w: %s:%d: %s", ErrList, name, line, fmt.Sprintf(format, a...))
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, fail(1, "is UTF-16, want UTF-8")
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return nil, fail(1+bytes.Count(text[:i], []byte("\n")), "contains a zero byte: not a list of pictures")
	}
	// One string for all lines, so that a path costs no memory of its own.
	rest := string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	seen := make(map[string]int32)
	for line := 1; rest != ""; line++ {
		var s string
		s, rest, _ = strings.Cut(rest, "\n")
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		path, label, err := parseLine(s, opt.Classes)
		if err != nil {
			return nil, fail(line, "%s", err)
		}
		sample := Sample{Path: path, Label: label, Line: int32(line)}
		if n := len(l.Samples); n > 0 && (label == NoLabel) != (l.Samples[n-1].Label == NoLabel) {
			return nil, fail(line, "%s, unlike line %d", map[bool]string{true: "has no label", false: "has a label"}[label == NoLabel], l.Samples[n-1].Line)
		}
		if first, ok := seen[path]; ok {
			if l.Samples[first].Label != label {
				return nil, fail(line, "%s has label %d here and %d in line %d", path, label, l.Samples[first].Label, l.Samples[first].Line)
			}
			l.Duplicates++
		} else {
			seen[path] = int32(len(l.Samples))
		}
		l.Samples = append(l.Samples, sample)
	}
	return l, l.finish(opt)
}

// finish applies the conditions on the list as a whole.
func (l *List) finish(opt ListOptions) error {
	if len(l.Samples) == 0 {
		return fmt.Errorf("%w: %s names no pictures", ErrList, l.Name)
	}
	l.Labelled = l.Samples[0].Label != NoLabel
	if opt.NeedLabels && !l.Labelled {
		return fmt.Errorf("%w: %s has no labels", ErrList, l.Name)
	}
	return nil
}

// parseLine splits a line that is not blank into path and label.
func parseLine(s string, classes int) (path string, label int32, err error) {
	path, tail, err := splitLine(s)
	if err != nil {
		return "", 0, err
	}
	if err := checkPath(path); err != nil {
		return "", 0, err
	}
	if tail == "" {
		return path, NoLabel, nil
	}
	n, err := strconv.ParseInt(tail, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return "", 0, fmt.Errorf("label %s is out of range", tail)
	case err != nil:
		return "", 0, fmt.Errorf("label %q is not a whole number", tail)
	case n < 0:
		return "", 0, fmt.Errorf("label %d is negative", n)
	case classes > 0 && n >= int64(classes):
		return "", 0, fmt.Errorf("label %d, but there are %d classes (0..%d)", n, classes, classes-1)
	}
	return path, int32(n), nil
}

// splitLine separates a quoted path, or everything before the last field, from the label.
// A line whose last field ends like a picture's name is all path.
func splitLine(s string) (path, label string, err error) {
	if s[0] == '"' {
		end := strings.IndexByte(s[1:], '"') + 1
		if end == 0 {
			return "", "", errors.New("quote is not closed")
		}
		return s[1:end], strings.TrimSpace(s[end+1:]), nil
	}
	i := strings.LastIndexAny(s, " \t")
	if i < 0 || isPictureName(s[i+1:]) {
		return s, "", nil
	}
	return strings.TrimSpace(s[:i]), s[i+1:], nil
}

func checkPath(path string) error {
	switch {
	case path == "":
		return errors.New("path is empty")
	case len(path) > 4096:
		return fmt.Errorf("path of %d bytes", len(path))
	case strings.Contains(path, "://"):
		return fmt.Errorf("%q is an address; pictures are read from files only", path)
	case !filepath.IsLocal(filepath.FromSlash(path)):
		return fmt.Errorf("path %q leads outside the data folder", path)
	}
	return nil
}

// isPictureName reports whether a file name ends as pictures' names do.
func isPictureName(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".jpe", ".png":
		return true
	}
	return false
}

// File returns the path of sample i on disk.
func (l *List) File(i int) string {
	return filepath.Join(l.Root, filepath.FromSlash(l.Samples[i].Path))
}

// Len returns the number of samples.
func (l *List) Len() int { return len(l.Samples) }

// checkFiles looks for every file; the error counts the missing and names the first.
func (l *List) checkFiles() error {
	const named = 3
	missing, first := 0, ""
	for i, s := range l.Samples {
		st, err := os.Stat(l.File(i))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid), errors.Is(err, syscall.ENOTDIR):
			if missing++; missing <= named {
				first += fmt.Sprintf(", %s (line %d)", s.Path, s.Line)
			}
		case err != nil:
			return fmt.Errorf("%w: %s:%d: %w", ErrList, l.Name, s.Line, err)
		case !st.Mode().IsRegular():
			return fmt.Errorf("%w: %s:%d: %s is not a regular file", ErrList, l.Name, s.Line, s.Path)
		}
	}
	if missing == 0 {
		return nil
	}
	if missing > named {
		first += ", …"
	}
	return fmt.Errorf("%w: %w: %d of the %d in %s do not exist under %s: %s",
		ErrList, ErrMissing, missing, len(l.Samples), l.Name, l.Root, first[2:])
}

// Head returns the first n samples, or l if it has no more.
func (l *List) Head(n int) *List {
	if n <= 0 || n >= len(l.Samples) {
		return l
	}
	out := *l
	out.Samples = l.Samples[:n:n]
	return &out
}

// Spread returns n samples evenly spaced over l in order (the i-th is number
// i*len/n), or l if it has no more: a calibration set from a sorted list.
func (l *List) Spread(n int) *List {
	if n <= 0 || n >= len(l.Samples) {
		return l
	}
	out := *l
	out.Samples = make([]Sample, n)
	for i := range out.Samples {
		out.Samples[i] = l.Samples[i*len(l.Samples)/n]
	}
	return &out
}
