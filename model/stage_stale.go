package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Where an overwritten pair of files waits in the staging folder, and the file
// there that names its program.
const (
	asideDir   = "old"
	asideMark  = "old.program"
	steppedOld = "-old" // see swapByRenames
)

// tidy looks for the staging folders of saves that were killed in dir. It puts
// back the files of a model that was being overwritten and has no program since,
// and removes the folders. Those of saves that still run are locked, and left
// alone, as is what swapByRenames may have left: nobody knows its name.
// It reports whether a model is back. What it cannot do, it leaves.
func tidy(dir string) (restored bool) {
	stages, err := filepath.Glob(filepath.Join(escapeGlob(dir), stagePrefix+"*"))
	if err != nil {
		return false
	}
	for _, stage := range stages {
		info, err := os.Lstat(stage)
		if err != nil || !info.IsDir() || strings.HasSuffix(stage, steppedOld) || there(stage+steppedOld) {
			continue
		}
		unlock, err := lockDir(stage)
		if err != nil {
			continue
		}
		back, err := putBack(stage, dir)
		if err == nil {
			_ = os.RemoveAll(stage)
		}
		restored = restored || back
		unlock()
	}
	return restored
}

// putBack moves the files that a save had set aside back to dir, the program
// last, unless a program stands there: then the save was done, or had not begun.
func putBack(stage, dir string) (bool, error) {
	mark, err := os.ReadFile(filepath.Join(stage, asideMark))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	program := string(mark)
	if err != nil || program != filepath.Base(program) || there(filepath.Join(dir, program)) {
		return false, err
	}
	aside := filepath.Join(stage, asideDir)
	entries, err := os.ReadDir(aside)
	if err != nil {
		return false, err
	}
	move := func(name string) error { return os.Rename(filepath.Join(aside, name), filepath.Join(dir, name)) }
	whole := false
	for _, e := range entries {
		switch {
		case !e.Type().IsRegular():
		case e.Name() == program:
			whole = true
		default:
			if err := move(e.Name()); err != nil {
				return false, err
			}
		}
	}
	if whole {
		if err := move(program); err != nil {
			return false, err
		}
	}
	return whole, syncDir(dir)
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// escapeGlob keeps the characters of a path from being read as a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
