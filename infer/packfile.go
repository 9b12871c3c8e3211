package infer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// A pack file holds packed weights as they lie in memory, so that processes
// map it instead of packing, and share the pages:
//
//	8 bytes    packMagic
//	u32        number of entries
//	u32        CRC-32C of the entries that follow
//	48 bytes   for each entry: packID, u64 offset, u32 CRC-32C, u32 size in 64ths (rounded up)
//	…          the weights, from a multiple of packAlign on, each on a multiple of arenaAlign
//
// all little endian. Entries are ordered by their id. What a file says is
// checked before it is believed: a file that was damaged or made up is left out
// and written anew.
const (
	packMagic  = "octetpk1"
	packAlign  = 4096
	packHead   = 16
	packEntry  = 48
	packSuffix = ".packed"
	packAside  = ".octet-packed-" // begins the name of a file that is being written
	// packEntries is far more than a network has weights.
	packEntries = 1 << 16
	// packFileLimit bounds what is mapped, and what all files of a folder take.
	packFileLimit = 4 << 30
)

// A packID is the digest of all that packed weights depend on.
type packID [32]byte

// A packFile is an open pack file. Its bytes are mapped, and read-only.
type packFile struct {
	data []byte
	at   map[packID]packSpan
}

type packSpan struct {
	offset, size int
	sum          uint32
}

var (
	errPackFile = errors.New("not a file of packed weights")
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
)

// openPackFile maps the file of that name. The error is fs.ErrNotExist where
// there is none.
func openPackFile(name string) (*packFile, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := ownFile(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%s: mmap: %w", name, err)
	}
	at, err := packIndex(data)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), unix.Munmap(data))
	}
	return &packFile{data, at}, nil
}

// ownFile returns the size of a file that nobody else may write: who can write
// it decides what the network computes, and can end the process by making the
// file shorter while it is mapped.
func ownFile(f *os.File) (int, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return 0, err
	}
	switch {
	case s.Mode&unix.S_IFMT != unix.S_IFREG:
		return 0, fmt.Errorf("%w: not a regular file", errPackFile)
	case int(s.Uid) != os.Geteuid() && s.Uid != 0 || s.Mode&0o022 != 0:
		return 0, fmt.Errorf("%w: others may write it", errPackFile)
	case s.Size < packHead || s.Size > packFileLimit:
		return 0, fmt.Errorf("%w: %d bytes, want %d to %d", errPackFile, s.Size, packHead, packFileLimit)
	}
	return int(s.Size), nil
}

// packIndex reads and checks all of a pack file but the weights.
func packIndex(data []byte) (map[packID]packSpan, error) {
	if len(data) < packHead || string(data[:8]) != packMagic {
		return nil, fmt.Errorf("%w: it begins otherwise", errPackFile)
	}
	n := binary.LittleEndian.Uint32(data[8:])
	if n > packEntries || int(n)*packEntry > len(data)-packHead {
		return nil, fmt.Errorf("%w: %d entries in %d bytes", errPackFile, n, len(data))
	}
	list := data[packHead : packHead+int(n)*packEntry]
	if crc32.Checksum(list, castagnoli) != binary.LittleEndian.Uint32(data[12:]) {
		return nil, fmt.Errorf("%w: its entries are damaged", errPackFile)
	}
	at := make(map[packID]packSpan, n)
	for e := range slices.Chunk(list, packEntry) {
		offset, size := binary.LittleEndian.Uint64(e[32:]), uint64(binary.LittleEndian.Uint32(e[44:]))*arenaAlign
		if size > uint64(len(data)) || offset > uint64(len(data))-size || offset%arenaAlign != 0 {
			return nil, fmt.Errorf("%w: %d bytes at %d of %d", errPackFile, size, offset, len(data))
		}
		at[packID(e[:32])] = packSpan{int(offset), int(size), binary.LittleEndian.Uint32(e[40:])}
	}
	return at, nil
}

// get returns the weights of that id and size; false where the file has none,
// and an error where they are damaged.
func (f *packFile) get(id packID, size int) ([]byte, bool, error) {
	s, ok := f.at[id]
	if !ok {
		return nil, false, nil
	}
	b := f.data[s.offset : s.offset+s.size]
	if s.size != alignUp(size) || crc32.Checksum(b, castagnoli) != s.sum {
		return nil, false, fmt.Errorf("%w: weights at %d are damaged", errPackFile, s.offset)
	}
	return b[:size], true, nil
}

// close unmaps the file: what get has returned is gone then.
func (f *packFile) close() error {
	if f == nil {
		return nil
	}
	return unix.Munmap(f.data)
}

// writePackFile writes a pack file aside and gives it its name then: a reader
// sees the old one or the new one. Every weight has a multiple of arenaAlign bytes.
func writePackFile(name string, weights map[packID][]byte) (err error) {
	total, list, err := packLayout(weights)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), packAside+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(writePacked(f, weights, total, list), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// packLayout returns the size of a pack file and its entries.
func packLayout(weights map[packID][]byte) (total int, list []byte, err error) {
	if len(weights) > packEntries {
		return 0, nil, fmt.Errorf("%d packed weights: the limit is %d", len(weights), packEntries)
	}
	total = (packHead + len(weights)*packEntry + packAlign - 1) / packAlign * packAlign
	for _, id := range sortedIDs(weights) {
		b := weights[id]
		if len(b)/arenaAlign > math.MaxUint32 || total > packFileLimit-len(b) {
			return 0, nil, fmt.Errorf("packed weights of more than %d bytes", packFileLimit)
		}
		list = append(list, id[:]...)
		list = binary.LittleEndian.AppendUint64(list, uint64(total))
		list = binary.LittleEndian.AppendUint32(list, crc32.Checksum(b, castagnoli))
		list = binary.LittleEndian.AppendUint32(list, uint32(len(b)/arenaAlign))
		total += len(b)
	}
	return total, list, nil
}

func sortedIDs(weights map[packID][]byte) []packID {
	return slices.SortedFunc(maps.Keys(weights), func(a, b packID) int { return bytes.Compare(a[:], b[:]) })
}

func writePacked(w io.Writer, weights map[packID][]byte, total int, list []byte) error {
	out := bufio.NewWriterSize(w, 1<<20)
	head := binary.LittleEndian.AppendUint32([]byte(packMagic), uint32(len(weights)))
	head = append(binary.LittleEndian.AppendUint32(head, crc32.Checksum(list, castagnoli)), list...)
	gap := total - len(head)
	for _, b := range weights {
		gap -= len(b)
	}
	head = append(head, make([]byte, gap)...)
	_, err := out.Write(head)
	for _, id := range sortedIDs(weights) {
		if err == nil {
			_, err = out.Write(weights[id])
		}
	}
	return errors.Join(err, out.Flush())
}
