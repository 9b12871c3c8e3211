package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpenFolder(t *testing.T) {
	tests := []struct {
		name    string
		files   []string
		want    []Sample
		classes []string
	}{
		{"flat", []string{"b.jpg", "a.PNG", "notes.txt", ".hidden.jpg"},
			[]Sample{{"a.PNG", NoLabel, 0}, {"b.jpg", NoLabel, 0}}, nil},
		{"classes", []string{"dog/2.jpeg", "dog/1.jpg", "cat/x.jpg", "cat/readme", "Zebra/z.png", ".git/c.jpg", "labels.csv"},
			[]Sample{{"Zebra/z.png", 0, 0}, {"cat/x.jpg", 1, 0}, {"dog/1.jpg", 2, 0}, {"dog/2.jpeg", 2, 0}},
			[]string{"Zebra", "cat", "dog"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			for _, f := range tt.files {
				files[f] = ""
			}
			root := tree(t, files)
			l, err := OpenFolder(root, ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, l.Samples); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.classes, l.Classes); diff != "" {
				t.Errorf("classes (-want +got):\n%s", diff)
			}
			if l.Labelled != (tt.classes != nil) || l.Root != root {
				t.Errorf("Labelled %v, Root %s", l.Labelled, l.Root)
			}
		})
	}
}

func TestOpenFolderRefuses(t *testing.T) {
	tests := []struct {
		name, want string
		files      map[string]string
		opt        ListOptions
	}{
		{"empty", "names no pictures", map[string]string{"x/": ""}, ListOptions{}},
		{"nothing but text", "names no pictures", map[string]string{"a.txt": ""}, ListOptions{}},
		{"pictures beside classes", "both beside and inside its 1 class folders", map[string]string{"a.jpg": "", "cat/b.jpg": ""}, ListOptions{}},
		{"folder in a class", "classes are one level deep", map[string]string{"cat/a.jpg": "", "cat/more/b.jpg": ""}, ListOptions{}},
		{"class without pictures", "holds no JPEG or PNG", map[string]string{"cat/a.jpg": "", "dog/b.txt": ""}, ListOptions{}},
		{"more classes than the model has", "has 2 class folders, the model 1", map[string]string{"cat/a.jpg": "", "dog/b.jpg": ""}, ListOptions{Classes: 1}},
		{"labels needed", "has no labels", map[string]string{"a.jpg": ""}, ListOptions{NeedLabels: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, tt.files)
			if tt.name == "empty" {
				root = filepath.Join(root, "x")
			}
			_, err := OpenFolder(root, tt.opt)
			if !errors.Is(err, ErrList) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want an ErrList with %q", err, tt.want)
			}
		})
	}
}

func TestOpenFolderFileSystemErrors(t *testing.T) {
	root := tree(t, map[string]string{"a/x.jpg": ""})
	if _, err := OpenFolder(filepath.Join(root, "none"), ListOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
	if _, err := OpenFolder(filepath.Join(root, "a", "x.jpg"), ListOptions{}); err == nil {
		t.Error("a file was opened as a folder")
	}
	if err := os.Symlink(filepath.Join(root, "gone"), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(root, ListOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("link to nowhere: %v", err)
	}
}

// TestOpenFolderLinksInCircles: a class folder that holds a link to the root.
func TestOpenFolderLinksInCircles(t *testing.T) {
	root := tree(t, map[string]string{"cat/a.jpg": ""})
	if err := os.Symlink(root, filepath.Join(root, "cat", "loop")); err != nil {
		t.Fatal(err)
	}
	l, err := OpenFolder(root, ListOptions{})
	if err != nil || l.Len() != 1 {
		t.Errorf("%v, %v; want the one picture", l, err)
	}
}

func TestOpenFolderUnreadableClass(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the super-user can read everything")
	}
	root := tree(t, map[string]string{"cat/a.jpg": ""})
	if err := os.Chmod(filepath.Join(root, "cat"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(root, "cat"), 0o755)
	if _, err := OpenFolder(root, ListOptions{}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("error %v, want a permission error", err)
	}
}
