package accept

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/tabwriter"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/refdata"
)

// fixtureCases is how many cases there are: four networks of fluid with both
// layouts of parameters, 59 cases each of Paddle 2.6 and 3.3, one QDQ program.
// Fewer would mean that some were lost.
const fixtureCases = 2*4 + 2*59 + 1

// TestFixtures runs every program that real Paddle wrote for the fixtures, and
// prints the table of all with how far Octet is from Paddle.
func TestFixtures(t *testing.T) {
	all := fixtures(t)
	if len(all) != fixtureCases {
		t.Errorf("%d cases were found: want %d", len(all), fixtureCases)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "case\tencoding\toperators\tdifference\t")
	passed, worst := 0, 0.0
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			if g.name == "qdq" && !dnnl.EffectiveCPUISA().HasVNNI() {
				fmt.Fprintf(table, "%s\t\t\t\tskipped: INT8 sums may saturate on %v\n", g.name, dnnl.EffectiveCPUISA())
				t.Skipf("SKIP-HARDWARE: %v has no VNNI, INT8 sums may saturate", dnnl.EffectiveCPUISA())
			}
			d, m, err := g.differs(t)
			era, ops, verdict := "", 0, "ok"
			if m != nil {
				era, ops = m.Era(), len(m.Program.Blocks[0].Ops)
			}
			switch {
			case err != nil:
				verdict = "FAILS: " + err.Error()
				t.Error(err)
			case !(d <= fp32Tol):
				verdict = "FAILS"
				t.Errorf("differs by %.3g of the largest magnitude: want %v at most", d, fp32Tol)
			default:
				passed++
				worst = max(worst, d)
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%.2g\t%s\n", g.name, era, ops, d, verdict)
		})
	}
	if err := table.Flush(); err != nil {
		t.Error(err)
	}
	fmt.Printf("%d of %d cases within %v of Paddle, the farthest of them %.2g\n", passed, fixtureCases, fp32Tol, worst)
}

// fixtures lists all cases.
func fixtures(t *testing.T) []golden {
	root := refdata.Path(t, "paddle", "fixtures")
	var all []golden
	for _, of := range []struct{ cases, sub string }{
		{"legacy/*", "separate"}, {"legacy/*", "combined"}, {"paddle26/*", ""}, {"paddle33/*", ""},
	} {
		for _, dir := range glob(t, filepath.Join(root, of.cases, "out_0.npy")) {
			dir = filepath.Dir(dir)
			name, err := filepath.Rel(root, filepath.Join(dir, of.sub))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, golden{filepath.ToSlash(name), filepath.Join(dir, of.sub), dir, glob(t, filepath.Join(dir, "out_*.npy"))})
		}
	}
	// Octet computes the QDQ program with integers, as Paddle's INT8 engine does;
	// the simulation in FP32 has fewer levels.
	dir := filepath.Join(root, "qdq")
	return append(all, golden{"qdq", dir, dir, []string{filepath.Join(dir, "out_paddle_onednn_int8.npy")}})
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing matches %s (%v)", pattern, err)
	}
	return files
}
