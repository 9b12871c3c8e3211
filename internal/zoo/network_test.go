package zoo

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

// A network is one of the zoo as make.py writes it.
type network struct {
	name, dir  string
	Family     string
	Parameters int
}

// load reads what make.py tells of n.
func (n *network) load() error {
	text, err := os.ReadFile(filepath.Join(n.dir, "info.json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, n)
}

// elsewhere are the scripts that the networks do not depend on.
var elsewhere = []string{"pack.py", "worker.py"}

// cached returns the folder of the networks that p makes: its name has the
// digest of the scripts, so that others are made when those change.
func (p paddle) cached(t *testing.T) string {
	t.Helper()
	digest := sha256.New()
	scripts, err := filepath.Glob(filepath.Join(makers, "*.py"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts in %s (%v)", makers, err)
	}
	for _, s := range scripts {
		if slices.Contains(elsewhere, filepath.Base(s)) {
			continue
		}
		text, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		digest.Write(text)
	}
	return filepath.Join(cacheDir(t), "zoo", fmt.Sprintf("%s-%.6x", p.version, digest.Sum(nil)))
}

// sizes lists what the names of arrays begin with: "", and where n takes pictures
// of another size "other".
func (n network) sizes() []string {
	if _, err := os.Stat(filepath.Join(n.dir, "otherin_0.npy")); err == nil {
		return []string{"", "other"}
	}
	return []string{""}
}

// files lists the arrays of one kind: in, out, exact, calib, otherin, otherout.
func (n network) files(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(n.dir, kind+"_*.npy"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no %s (%v)", n.dir, kind, err)
	}
	return files
}

func (n network) tensors(t *testing.T, kind string) []*model.Tensor {
	t.Helper()
	var all []*model.Tensor
	for _, f := range n.files(t, kind) {
		x, err := dataset.ReadNpy(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}
