package accept

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/calibrate/budget"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/internal/refdata"
)

// budgets are what is asked of each network: no drop at all together with what
// calibration promises of the network, and a drop of 0.3 points.
var budgets = map[string][2][]string{
	"resnet50":           {{"--max-drop", "0", "--min-agreement", "98.5", "--max-kl", "0.004"}, {"--max-drop", "0.3"}},
	"mobilenet_v1_x0_75": {{"--max-drop", "0", "--min-agreement", "96.5", "--max-kl", "0.015"}, {"--max-drop", "0.3"}},
}

// TestRealModelsBudget has octet calibrate find the layers to leave in FP32, on 472
// training pictures and by 780 others, and evaluates the models that it saves.
func TestRealModelsBudget(t *testing.T) {
	refdata.Path(t, "realmodels")
	octet := filepath.Join(t.TempDir(), "octet")
	if out, err := exec.Command("go", "build", "-o", octet, "../../cmd/octet").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var lines []string
	for _, n := range nets {
		dir := filepath.Join(t.TempDir(), n.name)
		for _, asked := range budgets[n.name] {
			t.Run(n.name+"/"+strings.Join(asked, " "), func(t *testing.T) {
				r := n.budget(t, octet, dir, asked)
				lines = append(lines, fmt.Sprintf("%s %s: %d of %d layers in FP32 %v, %+.3f ms on %.3f ms a picture; drop %+.2f (all INT8 %+.2f), agreement %.2f %%, mean KL %.5f; %d networks evaluated",
					n.name, strings.Join(asked, " "), len(r.Layers), r.Of, r.Names(), 1e3*r.Price.Extra.Seconds(), 1e3*r.Price.Base.Seconds(),
					r.Verdict.Drop(), r.All.Drop(), r.Verdict.Agreement(), r.Verdict.MeanKL, r.Evaluations))
			})
		}
	}
	fmt.Println(strings.Join(lines, "\n"))
}

// budget calibrates to dir, or goes on from what was measured for it, and checks
// that the saved model is what the search promises.
func (n net) budget(t *testing.T, octet, dir string, asked []string) budget.Result {
	t.Helper()
	fp32, data := refdata.Path(t, "realmodels", n.name, "fluid"), refdata.Path(t, "imagenet", "ILSVRC2012")
	preset := filepath.Join(t.TempDir(), dataset.PresetFile)
	text, err := json.Marshal(n.preset)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(preset, text, 0o666); err != nil {
		t.Fatal(err)
	}
	line := append([]string{"calibrate", fp32, "-o", dir, "--overwrite", "--preset", preset, "--data", data, "--list", "train_list.txt", "--algo", "KL",
		"--eval-list", "val_list.txt", "--eval-resize-short", "0", "--json"}, asked...)
	cmd := exec.Command(octet, line...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("octet %s: %v: %s", strings.Join(line, " "), err, out)
	}
	var done struct{ Budget budget.Result }
	if err := json.Unmarshal(out, &done); err != nil {
		t.Fatal(err)
	}
	r := done.Budget
	if !r.Met || !r.Limits.Met(r.Verdict) {
		t.Errorf("%+v does not keep what was asked", r)
	}
	var got struct {
		FP32, INT8 struct {
			Top1Images int `json:"top1_images"`
		}
		AgreementImages int `json:"agreement_images"`
	}
	out, err = exec.Command(octet, "eval", "--fp32", fp32, "--int8", dir, "--preset", preset, "--resize-short", "0", "--data", data, "--list", "val_list.txt", "--json", "--progress", "none").Output()
	if err != nil {
		t.Fatalf("octet eval: %v", err)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if drop := got.FP32.Top1Images - got.INT8.Top1Images; drop != r.Verdict.FP32Right-r.Verdict.INT8Right || got.AgreementImages != r.Verdict.Agree {
		t.Errorf("the saved model loses %d pictures and agrees on %d, the search found %+v", drop, got.AgreementImages, r.Verdict)
	}
	return r
}
