// Package onnx writes networks as ONNX models, which ONNX Runtime and others
// run: FP32 ones, and INT8 ones in the QDQ form, where every tensor of integers
// stands between a QuantizeLinear and a DequantizeLinear, and an engine computes
// with integers where it finds such pairs around an operator. Weights are s8,
// one scale a channel; activations are u8 or s8 with a zero point of 0.
//
// Octet does not read ONNX.
package onnx
