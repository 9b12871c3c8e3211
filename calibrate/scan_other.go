//go:build !amd64

package calibrate

const (
	wide     = false
	wideStep = 16
)

func rangeAVX512(*float32, int) (low, high uint32) { return 0, 0 }

func countAVX512(x *float32, n int, invWidth float32, list, counts *uint32) (low, high uint32, filled int) {
	return 0, 0, 0
}

func drainAVX512(*uint32, *uint64, int) {}
