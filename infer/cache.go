package infer

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// cacheUnknown is what a core's own cache is taken for where the system does
// not tell: the second level of most server CPUs since 2017 has 1 MiB or more.
const cacheUnknown = 1 << 20

// ownCache returns the bytes of the second-level cache of the first CPU.
var ownCache = sync.OnceValue(func() int { return secondLevel("/sys/devices/system/cpu/cpu0/cache") })

// secondLevel reads the size from a folder as the kernel describes caches in
// Documentation/ABI/testing/sysfs-devices-system-cpu: index*/{level,type,size}.
func secondLevel(dir string) int {
	levels, err := filepath.Glob(filepath.Join(dir, "index*"))
	if err != nil {
		return cacheUnknown
	}
	field := func(cache, name string) string {
		b, err := os.ReadFile(filepath.Join(cache, name))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	for _, cache := range levels {
		if field(cache, "level") != "2" || field(cache, "type") == "Instruction" {
			continue
		}
		kib, err := strconv.Atoi(strings.TrimSuffix(field(cache, "size"), "K"))
		if err == nil && kib > 0 && kib < 1<<20 {
			return kib << 10
		}
	}
	return cacheUnknown
}
