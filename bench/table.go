package bench

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
)

// A Machine is what figures depend on.
type Machine struct {
	CPU    string `json:"cpu"`    // model name; "" if unknown
	OneDNN string `json:"onednn"` // version and threading runtime
	ISA    string `json:"isa"`    // instructions that oneDNN uses
	CPUs   int    `json:"cpus"`   // that this process may keep busy
}

// ThisMachine describes the machine as oneDNN sees it.
func ThisMachine() Machine {
	return Machine{cpuModel(), dnnl.LibraryVersion().String(), dnnl.EffectiveCPUISA().String(), infer.CPULimit()}
}

// String returns one line for the head of a table.
func (m Machine) String() string {
	return fmt.Sprintf("oneDNN %s, %s, %d CPUs %s", m.OneDNN, m.ISA, m.CPUs, m.CPU)
}

// cpuModel returns the name of the first CPU, as Linux tells it.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// WriteTable writes the throughputs of rows as a table.
func WriteTable(w io.Writer, rows []Row) error {
	width := len("model") // of the names, which stand to the left while figures stand to the right
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Model))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-*s\tbatch\tFP32 img/s\tINT8 img/s\tINT8/FP32\tother load\t\n", width, "model")
	for _, r := range rows {
		fmt.Fprintf(t, "%-*s\t%d\t%.1f\t%.1f\t%.2f\t%s\t\n", width, r.Model, r.Batch, r.FP32, r.INT8, r.Ratio, loadText(r.OtherLoad))
	}
	return t.Flush()
}

func loadText(cpus float64) string {
	if cpus < 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.2f CPUs", cpus)
}

// WriteMemory writes a line for each model about what its INT8 predictor holds
// after the last of its rows.
func WriteMemory(w io.Writer, rows []Row) error {
	for i, r := range rows {
		if i+1 < len(rows) && rows[i+1].Model == r.Model {
			continue
		}
		m := r.Memory
		if _, err := fmt.Fprintf(w, "%s INT8: %d MB of packed weights (%d MB mapped), %d MB to compute in, %d plans; the process takes %d MB\n",
			r.Model, (m.WeightsBytes+m.MappedBytes)>>20, m.MappedBytes>>20, m.ArenaBytes>>20, m.Plans, r.Resident>>20); err != nil {
			return err
		}
	}
	return nil
}
