package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// saveFiles puts files into dir, which may hold other things. Their order
// matters: the last one makes the others a model.
func saveFiles(dir string, files []outFile, overwrite bool) (err error) {
	tidy(dir)
	old, err := standing(dir, files, overwrite)
	if err != nil {
		return err
	}
	undo, err := makeParents(dir)
	if err != nil {
		return err
	}
	stage, unlock, err := makeStage(dir)
	if err != nil {
		return errors.Join(err, undo())
	}
	defer unlock()
	defer func() {
		if err != nil { // the error counts; a folder that cannot be removed is harmless
			_ = os.RemoveAll(stage)
			_ = undo()
		}
	}()
	if err := writeFiles(stage, files); err != nil {
		return err
	}
	if err := moveIn(stage, dir, files, old); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	_ = os.RemoveAll(stage) // the new model is in place
	return nil
}

// standing returns the names of files that are in dir already.
func standing(dir string, files []outFile, overwrite bool) (old []string, err error) {
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, standsInTheWay(path, "no output there", kindOf(info.Mode()))
		case !overwrite:
			return nil, standsInTheWay(path, "no output there, or leave to overwrite it", "a file")
		default:
			old = append(old, f.name)
		}
	}
	return old, nil
}

// moveIn moves the old files out of dir, last first, and the staged ones in.
// An error moves everything back.
func moveIn(stage, dir string, files []outFile, old []string) (err error) {
	var back []func() error
	defer func() {
		if err != nil {
			for _, step := range slices.Backward(back) {
				err = errors.Join(err, step())
			}
		}
	}()
	move := func(from, to string) error {
		if err := renameNew(from, to); err != nil {
			return err
		}
		back = append(back, func() error { return os.Rename(to, from) })
		return nil
	}
	if len(old) > 0 {
		if err := os.Mkdir(filepath.Join(stage, asideDir), 0o777); err != nil {
			return err
		}
		program := files[len(files)-1].name
		if err := writeFile(filepath.Join(stage, asideMark), bytesFile(asideMark, []byte(program))); err != nil {
			return err
		}
	}
	for _, name := range slices.Backward(old) {
		if err := move(filepath.Join(dir, name), filepath.Join(stage, asideDir, name)); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := move(filepath.Join(stage, f.name), filepath.Join(dir, f.name)); err != nil {
			return err
		}
	}
	return nil
}

// renameChecked is renameNew for file systems that cannot refuse in one step:
// a file that appears between the look and the rename is replaced.
func renameChecked(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	}
	return os.Rename(from, to)
}
