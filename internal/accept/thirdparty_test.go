package accept

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"
)

// TestThirdParty loads models that others made and published, without change,
// and compares with Paddle's outputs.
func TestThirdParty(t *testing.T) {
	root := refdata.Path(t, "thirdparty")
	worst := 0.0
	models := []string{"mobilenetv3_small_x0_35", "fluid_2018_mlp"}
	for _, name := range models {
		t.Run(name, func(t *testing.T) {
			file := func(suffix string) string { return filepath.Join(root, "golden", name+suffix) }
			d, m, err := golden{name, filepath.Join(root, name), file("_in.npy"), []string{file("_out.npy")}}.differs(t)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("%s: %s, differs by %.2g\n", name, m.Era(), d)
			worst = max(worst, d)
			if !(d <= fp32Tol) {
				t.Errorf("differs by %.3g of the largest magnitude: want %v at most", d, fp32Tol)
			}
		})
	}
	fmt.Printf("%d third-party models, the farthest output %.2g from Paddle's, promised %v\n", len(models), worst, fp32Tol)
}
