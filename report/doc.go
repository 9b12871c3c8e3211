// Package report writes what is known about an INT8 model as one HTML file that
// needs no network: for each layer how far INT8 is from FP32, what saturates,
// what it costs in both precisions and which kernels compute it, and the
// distribution of its activations with the threshold that each algorithm
// chooses. The figures come from elsewhere; the same figures give the same bytes.
package report
