//go:build linux

package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestSaveKilledBetweenRenames stops the overwriting of a pair of files behind
// each of its steps: Load finds the old model until the new one is whole, and
// the next Save leaves no staging folder.
func TestSaveKilledBetweenRenames(t *testing.T) {
	files := []string{"net.pdiparams", "net.pdmodel"}
	for steps := range 2*len(files) + 1 {
		t.Run(fmt.Sprintf("after %d renames", steps), func(t *testing.T) {
			dir := t.TempDir()
			out, stage := filepath.Join(dir, "net"), filepath.Join(dir, stagePrefix+"TESTTESTTEST")
			if err := Save(killModel(t, 0), out, WithForm(FormPdModel)); err != nil {
				t.Fatal(err)
			}
			if err := Save(killModel(t, 1), filepath.Join(stage, "net"), WithForm(FormPdModel)); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(stage, asideDir), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(stage, asideMark), []byte("net.pdmodel"), 0o666); err != nil {
				t.Fatal(err)
			}
			renames := [][2]string{
				{filepath.Join(dir, files[1]), filepath.Join(stage, asideDir, files[1])},
				{filepath.Join(dir, files[0]), filepath.Join(stage, asideDir, files[0])},
				{filepath.Join(stage, files[0]), filepath.Join(dir, files[0])},
				{filepath.Join(stage, files[1]), filepath.Join(dir, files[1])},
			}
			for _, r := range renames[:steps] {
				if err := os.Rename(r[0], r[1]); err != nil {
					t.Fatal(err)
				}
			}
			want := killModel(t, 0)
			if steps == len(renames) {
				want = killModel(t, 1)
			}
			if m, err := Load(out); err != nil || !m.Equal(want) {
				t.Errorf("not the model that was there: %v", err)
			}
			if err := Save(killModel(t, 1), out, WithForm(FormPdModel)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("save without overwriting: %v", err)
			}
			assertNoStage(t, dir)
			if m, err := Load(out); err != nil || !m.Equal(want) {
				t.Errorf("the next save changed the model: %v", err)
			}
		})
	}
}

// TestTidyLeavesRunningSaves keeps the folder of a save that still runs.
func TestTidyLeavesRunningSaves(t *testing.T) {
	dir := t.TempDir()
	stage, unlock, err := makeStage(dir)
	if err != nil {
		t.Fatal(err)
	}
	tidy(dir)
	if !there(stage) {
		t.Error("the folder of a running save is gone")
	}
	unlock()
	tidy(dir)
	if there(stage) {
		t.Error("the folder of a save that ended is still there")
	}
}
