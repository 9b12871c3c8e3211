package infer

import "fmt"

// A Mode says how a predictor spreads requests over the CPUs.
type Mode int

const (
	// Auto chooses for each request: all threads together for a request that is
	// too small to fill the streams and finds the machine idle, as long as that
	// is the faster way, and the streams for everything else.
	Auto Mode = iota
	// Throughput uses only the one-thread streams: the most images a second, and
	// the steadiest times where other processes are busy on the same CPUs. A
	// single image is computed by one thread.
	Throughput
	// Latency lets all threads work on one request after the other: the least
	// time for a single image on a machine of one's own. Where other processes
	// take CPUs away it becomes many times slower, not a little.
	Latency
)

var modeNames = [...]string{Auto: "auto", Throughput: "throughput", Latency: "latency"}

// String returns "auto", "throughput" or "latency".
func (m Mode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return fmt.Sprintf("mode %d", int(m))
	}
	return modeNames[m]
}

// MarshalText implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return []byte(m.String()), nil
}

// UnmarshalText accepts what String returns.
func (m *Mode) UnmarshalText(text []byte) error {
	for i, name := range modeNames {
		if name == string(text) {
			*m = Mode(i)
			return nil
		}
	}
	return fmt.Errorf("mode %q: want auto, throughput or latency", text)
}

func (m Mode) check() error {
	if m < 0 || int(m) >= len(modeNames) {
		return fmt.Errorf("infer: option Mode is %d: want Auto, Throughput or Latency", int(m))
	}
	return nil
}
