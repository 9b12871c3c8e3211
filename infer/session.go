package infer

import (
	"unsafe"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A session is the state of one run of one geometry, reused by later runs.
type session struct {
	req  request
	in   []lane // the body's inputs
	out  []lane // the body's outputs
	tail tailRun
	// direct maps each body output to the network output it is written into,
	// or -1 where scratch takes it.
	direct []int
}

// A lane is one input or output of the body over the whole batch.
type lane struct {
	base  unsafe.Pointer
	image int // bytes an image
}

// at returns where image i starts.
func (l lane) at(i int) unsafe.Pointer { return unsafe.Add(l.base, i*l.image) }

func (g *geometry) session(p *Predictor) (*session, error) {
	g.mu.Lock()
	if n := len(g.sessions); n > 0 {
		s := g.sessions[n-1]
		g.sessions = g.sessions[:n-1]
		g.mu.Unlock()
		return s, nil
	}
	g.mu.Unlock()
	return newSession(p, g)
}

// put makes s free for the next run. It forgets the caller's memory.
func (g *geometry) put(s *session) {
	for i := range s.in {
		s.in[i].base = nil
	}
	for i, d := range s.direct {
		if d >= 0 {
			s.out[i].base = nil
		}
	}
	s.tail.release()
	g.mu.Lock()
	g.sessions = append(g.sessions, s)
	g.mu.Unlock()
}

func newSession(p *Predictor, g *geometry) (*session, error) {
	s := &session{in: make([]lane, len(p.body.inputs)), out: make([]lane, len(p.body.outputs)), direct: make([]int, len(p.body.outputs))}
	for i, v := range p.body.inputs {
		s.in[i].image = bytesOfShape(g.shapes[v], v.DType) / g.batch
	}
	sources, own := map[*graph.Value][]byte{}, 0
	for i, v := range p.body.outputs {
		size := bytesOfShape(g.shapes[v], v.DType)
		s.out[i].image = size / g.batch
		s.direct[i] = -1
		for j, o := range p.graph.Outputs {
			if o.Value == v && s.direct[i] < 0 {
				s.direct[i] = j
			}
		}
		if s.direct[i] < 0 {
			buf := alloc(size)
			own += size
			s.out[i].base = unsafe.Pointer(unsafe.SliceData(buf))
			sources[v] = buf
		}
	}
	if err := s.tail.build(p, g, sources); err != nil {
		return nil, err
	}
	p.shelf.grow(&g.book, own+s.tail.bytes())
	s.req.s, s.req.done = s, make(chan struct{}, 1)
	return s, nil
}

// bind points the session at the tensors of a run.
func (s *session) bind(in, out []*model.Tensor) {
	for i, f := range s.req.p.body.feeds {
		s.in[i].base = unsafe.Pointer(unsafe.SliceData(in[f].Data))
	}
	for i, d := range s.direct {
		if d >= 0 {
			s.out[i].base = unsafe.Pointer(unsafe.SliceData(out[d].Data))
		}
	}
	s.tail.bind(in, out)
}

// lane returns that of bound memory i of a plan.
func (s *session) lane(i int) lane {
	if i < len(s.in) {
		return s.in[i]
	}
	return s.out[i-len(s.in)]
}

func bytesOfShape(s graph.Shape, d model.DType) int { return elems(s) * d.Size() }

func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}
