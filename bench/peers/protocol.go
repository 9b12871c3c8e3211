package main

// A worker is a process that runs one network of one peer, in one precision
// and at one batch size. It speaks lines of JSON: when it has imported its
// library and filled its input it says hello, then answers each ask in turn.
//
//	{"version":"1.32.0"}
//	{"do":"load"}                          {"load":0.09,"first":0.02}
//	{"do":"answer","rows":4}               {"rows":[[…],[…],[…],[…]]}
//	{"do":"window","seconds":2,"warm":0.2} {"runs":[0.013,…],"seconds":2.01,"images":154}
//
// It ends when its input does, or with a message on stderr.
type ask struct {
	Do      string  `json:"do"`
	Rows    int     `json:"rows,omitempty"`
	Seconds float64 `json:"seconds"`
	// Warm is for how long runs do not count yet.
	Warm float64 `json:"warm"`
}

// reply is what a worker says; which fields it fills depends on the ask.
type reply struct {
	Version string `json:"version,omitempty"`
	// Load is the time from the files to a network ready to run, First that of
	// the first run after it, in seconds.
	Load  float64 `json:"load,omitempty"`
	First float64 `json:"first,omitempty"`
	// Rows are the probabilities for the first pictures of the batch.
	Rows [][]float64 `json:"rows,omitempty"`
	// Runs has how long each run took; those of a peer with several requests
	// in flight overlap, so their sum may exceed Seconds, the time that counts.
	Runs    []float64 `json:"runs,omitempty"`
	Seconds float64   `json:"seconds,omitempty"`
	Images  int       `json:"images,omitempty"`
}
