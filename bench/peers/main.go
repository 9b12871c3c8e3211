// Peers measures Octet beside what a user would otherwise run: Paddle 2.6 and
// 3.3, ONNX Runtime and OpenVINO, on the same networks with the same weights,
// pictures and threads, in turns within one session. It fails where Octet does
// not keep its promises; see README.md.
//
//	go run ./bench/peers
//	go run ./bench/peers -models resnet50 -precisions int8 -batches 1,64
//	go run ./bench/peers -hog
//	go run ./bench/peers -coldstart
//	go run ./bench/peers -memory
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/hog"
)

// workerVerb is the argument with which the program starts itself as a worker.
const workerVerb = "worker"

func main() {
	hog.Serve()
	verb := ""
	if len(os.Args) > 1 {
		verb = os.Args[1]
	}
	switch verb {
	case workerVerb:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err := serve(ctx, os.Args[2:], bufio.NewReader(os.Stdin), os.Stdout)
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		s, err := parseFlags(os.Args[1:])
		if err != nil {
			fmt.Fprintln(os.Stderr, "peers:", err)
			os.Exit(2)
		}
		runtime.LockOSThread() // workers die with the thread that started them
		gate.Main(s.name(), s.run)
	}
}

// name is that of the gate, and of the make target.
func (s *settings) name() string {
	switch {
	case s.hog:
		return "hog"
	case s.coldstart:
		return "coldstart"
	case s.memory:
		return "memory"
	}
	return "peers"
}

// run measures what the settings say.
func (s *settings) run(ctx context.Context, g *gate.Gate) error {
	who, missing := s.present()
	for _, p := range missing {
		g.Printf("LEFT OUT: %s has no Python environment in %s; %s makes it\n", p.name, s.venvs, "bench/peers/setup.sh")
	}
	r := &record{Machine: bench.ThisMachine(), Time: time.Now().UTC().Truncate(time.Second), Settings: s.describe()}
	failed := map[string]bool{}
	var err error
	for _, name := range s.models {
		var k *kit
		if k, err = newKit(ctx, s.cache, name, s.venvs, s.tune); err != nil {
			break
		}
		m := &session{settings: s, kit: k, g: g, record: r, failed: failed}
		switch {
		case s.hog:
			err = m.hogged(ctx, name, who)
		case s.coldstart:
			err = m.compareLoads(ctx, name, who)
		case s.memory:
			err = m.compareMemory(ctx, name, who)
		default:
			err = m.compareAll(ctx, name, who)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		g.AtMost("peers left out", float64(len(missing)+len(failed)), 0, "", "")
	}
	return errors.Join(err, r.save(s.json))
}

// A session measures one network.
type session struct {
	*settings
	kit    *kit
	g      *gate.Gate
	record *record
	// failed has the names of peers that broke down or computed something else.
	failed map[string]bool
}

// compareAll measures the cells of a network and holds them to the promises.
func (m *session) compareAll(ctx context.Context, name string, who []peer) error {
	for _, precision := range m.precisions {
		for _, batch := range m.batches {
			c := cell{name, precision, batch}
			figures, err := m.compare(ctx, c, who)
			if err != nil {
				return err
			}
			m.record.Cells = append(m.record.Cells, cellRecord{c, figures})
			if err := m.judge(c, figures); err != nil {
				return err
			}
		}
	}
	if m.loads == 0 || !slices.Contains(m.precisions, int8Precision) {
		return nil
	}
	return m.compareLoads(ctx, name, who)
}
