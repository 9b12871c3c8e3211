package dataset

import (
	"fmt"
	"os"
	"path/filepath"
)

// OpenFolder lists the JPEG and PNG files of a folder by name: either all of
// them stand in dir itself and have no labels, or each sub-folder is a class
// and the classes are numbered in byte order of their names. Hidden entries and
// other files are passed over. Folders inside a class are an error, so links
// that lead in circles cannot matter. Errors wrap ErrList or come from the file
// system.
func OpenFolder(dir string, opt ListOptions) (*List, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("image folder: %w", err)
	}
	l := &List{Root: dir, Name: dir}
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' {
			continue
		}
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("image folder: %w", err)
		}
		switch {
		case st.IsDir():
			if err := l.addClass(name); err != nil {
				return nil, err
			}
		case isPictureName(name):
			l.Samples = append(l.Samples, Sample{Path: name, Label: NoLabel})
		}
	}
	if n := len(l.Classes); n > 0 && hasUnlabelled(l) {
		return nil, fmt.Errorf("%w: %s has pictures both beside and inside its %d class folders", ErrList, dir, n)
	}
	if n := len(l.Classes); opt.Classes > 0 && n > opt.Classes {
		return nil, fmt.Errorf("%w: %s has %d class folders, the model %d classes", ErrList, dir, n, opt.Classes)
	}
	return l, l.finish(opt)
}

func hasUnlabelled(l *List) bool {
	for _, s := range l.Samples {
		if s.Label == NoLabel {
			return true
		}
	}
	return false
}

// addClass adds the pictures of one class folder.
func (l *List) addClass(class string) error {
	entries, err := os.ReadDir(filepath.Join(l.Root, class))
	if err != nil {
		return fmt.Errorf("image folder: %w", err)
	}
	label := int32(len(l.Classes))
	found := false
	for _, e := range entries {
		switch name := e.Name(); {
		case name[0] == '.':
		case e.IsDir():
			return fmt.Errorf("%w: %s holds the folder %s; classes are one level deep", ErrList, filepath.Join(l.Root, class), name)
		case isPictureName(name):
			l.Samples = append(l.Samples, Sample{Path: class + "/" + name, Label: label})
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%w: class folder %s holds no JPEG or PNG", ErrList, filepath.Join(l.Root, class))
	}
	l.Classes = append(l.Classes, class)
	return nil
}
