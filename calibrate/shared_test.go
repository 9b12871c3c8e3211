package calibrate

import (
	"os"
	"path/filepath"
	"testing"
)

// shared returns the path of a file or folder of the data that lies beside the
// project, and skips the test where it is absent.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("OCTET_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIP-NODATA: %v (set OCTET_SHARED)", err)
	}
	return path
}
