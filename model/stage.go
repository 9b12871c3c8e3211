package model

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A save must survive being killed at any moment. All its work therefore goes
// into a staging folder beside the output, on the same file system, that is
// synced before anything takes the output's name:
//
//   - A new directory: one rename of the staging folder. Before it there is no
//     output, after it the whole.
//   - An overwritten directory: the kernel swaps the two directories in one
//     step (RENAME_EXCHANGE), then the old one is deleted under the staging
//     name. Where a file system cannot swap, the old directory steps aside and
//     the new one takes its place, two renames; a kill between them leaves no
//     output, and both whole models under staging names.
//   - Files in a directory that belongs to the user (.pdmodel and .pdiparams):
//     one rename a file, the program last. Until then Load finds no program,
//     and says so. To overwrite, the old files first move into the staging
//     folder, the program before the others, so that a kill never leaves an
//     old program with new parameters: it leaves the pair, old or new, or no
//     program and the old pair in the staging folder. The next Load that finds
//     no program there, or the next Save, puts the old pair back: see tidy.
//
// An error, other than a kill, undoes what was done.

const stagePrefix = ".octet-save-"

// makeStage makes a staging folder in parent, with the permissions that the
// user's umask gives. It is locked until unlock, so that tidy can tell it from
// those of saves that were killed; where nothing can be locked, it is not.
func makeStage(parent string) (dir string, unlock func(), err error) {
	for range 3 { // tidy may take one for stale before it is locked
		dir = filepath.Join(parent, stagePrefix+rand.Text()[:12])
		if err := os.Mkdir(dir, 0o777); err != nil {
			return dir, nil, err
		}
		if unlock, err = lockDir(dir); err == nil {
			return dir, unlock, nil
		}
	}
	return dir, func() {}, os.MkdirAll(dir, 0o777)
}

// saveDir makes the directory target of files.
func saveDir(target string, files []outFile, overwrite bool) (err error) {
	target, err = filepath.Abs(target)
	if err != nil {
		return err
	}
	if link, err := filepath.EvalSymlinks(target); err == nil {
		target = link // replace the directory, not the link to it
	}
	old, err := replaceable(target, files, overwrite)
	if err != nil {
		return err
	}
	undo, err := makeParents(filepath.Dir(target))
	if err != nil {
		return err
	}
	tidy(filepath.Dir(target))
	stage, unlock, err := makeStage(filepath.Dir(target))
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
	if !old {
		// Renaming a directory onto another fails unless that one is empty.
		if err := os.Rename(stage, target); err != nil {
			return err
		}
		return syncDir(filepath.Dir(target))
	}
	if err := swapDirs(stage, target); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(target)); err != nil {
		return err
	}
	// The new model is in place: failing to delete the old one is not a
	// failed save.
	_ = os.RemoveAll(stage)
	return nil
}

// replaceable reports whether target is a model that gives way to the new one.
// It fails where something stands there that must not be lost.
func replaceable(target string, files []outFile, overwrite bool) (bool, error) {
	entries, err := os.ReadDir(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		if info, serr := os.Stat(target); serr == nil && !info.IsDir() {
			return false, standsInTheWay(target, "a directory", kindOf(info.Mode()))
		}
		return false, err
	case isWorkingDir(target):
		return false, standsInTheWay(target, "a directory that can be replaced", "the current directory")
	case len(entries) == 0:
		return false, nil
	case !overwrite:
		return false, standsInTheWay(target, "no output there, or leave to overwrite it", "a directory that is not empty")
	}
	return true, onlyModel(target, entries, files)
}

func standsInTheWay(target, expected, seen string) error {
	return &FormatError{File: target, Offset: -1, Expected: expected, Seen: seen, Kind: fs.ErrExist}
}

func isWorkingDir(dir string) bool {
	a, errA := os.Stat(".")
	b, errB := os.Stat(dir)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// onlyModel refuses to replace a directory that holds anything but a model:
// what a model is made of, and files of the names that the new one brings.
func onlyModel(target string, entries []fs.DirEntry, files []outFile) error {
	known := map[string]bool{fluidProgram: true, fluidParams: true}
	for _, f := range files {
		known[firstElem(f.name)] = true
	}
	if p, err := programIn(target); err == nil { // else it has no parameters that we know
		for _, name := range p.ParamNames() {
			known[firstElem(name)] = true
		}
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".info") // Paddle 2's x.pdiparams.info
		if ext := filepath.Ext(name); !known[name] && ext != pdmodelExt && ext != pdparamsExt {
			return standsInTheWay(target, "a model and nothing else, to overwrite it", quote(e.Name()))
		}
	}
	return nil
}

// programIn reads the program of the model in dir, without its parameters.
func programIn(dir string) (*Program, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // only read from
	c, err := newLoadConfig(nil)
	if err != nil {
		return nil, err
	}
	l := loader{loadConfig: c, display: dir}
	return l.loadProgram(rootFS{root}, ".")
}

// firstElem returns the first element of a slash-separated name.
func firstElem(name string) string {
	for i := range name {
		if name[i] == '/' {
			return name[:i]
		}
	}
	return name
}

// swapDirs puts the directory stage in the place of target and target in that
// of stage.
func swapDirs(stage, target string) error {
	err := exchange(stage, target)
	if errors.Is(err, errors.ErrUnsupported) {
		return swapByRenames(stage, target)
	}
	return err
}

func swapByRenames(stage, target string) error {
	aside := stage + steppedOld
	if err := os.Rename(target, aside); err != nil {
		return err
	}
	if err := os.Rename(stage, target); err != nil {
		return errors.Join(err, os.Rename(aside, target))
	}
	return os.Rename(aside, stage)
}

// makeParents makes dir and what is missing above it. The function that it
// returns removes again what it made, as far as that is empty.
func makeParents(dir string) (undo func() error, err error) {
	var made []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		made = append(made, d)
	}
	undo = func() (err error) {
		for _, d := range made {
			if e := os.Remove(d); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = e
			}
		}
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}

// writeFiles writes files below dir and syncs them and their directories.
func writeFiles(dir string, files []outFile) error {
	dirs := []string{dir}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if sub := filepath.Dir(path); !slices.Contains(dirs, sub) {
			if err := os.MkdirAll(sub, 0o777); err != nil {
				return err
			}
			for ; len(sub) > len(dir) && !slices.Contains(dirs, sub); sub = filepath.Dir(sub) {
				dirs = append(dirs, sub)
			}
		}
		if err := writeFile(path, f); err != nil {
			return fmt.Errorf("write %s: %w", printable(f.name), err)
		}
	}
	for _, d := range dirs {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes and syncs one new file. The buffer gathers headers and
// small tensors; large data passes it by.
func writeFile(path string, f outFile) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<16)
	if err = f.write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDir makes renames and new names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
