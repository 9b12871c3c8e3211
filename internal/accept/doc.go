// Package accept holds the tests that run the whole of Octet on real models
// and real pictures. They need reference data that is not part of the project
// (OCTET_SHARED, or ../shared beside it) and skip without it.
package accept
