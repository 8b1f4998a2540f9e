package dircache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/runnelflow/runnel/resultcache"
)

// A file is magic, the length of its header in four bytes, the header in JSON, the
// data in one frame of zstd, and the SHA-256 of all that.
var magic = []byte("runnelR1")

// header is what is known of an entry without reading its data.
type header struct {
	Key     []byte    `json:"key"`
	Task    string    `json:"task"`
	Version string    `json:"version"`
	Stored  time.Time `json:"stored"`
	Expires time.Time `json:"expires,omitzero"`
	Size    int       `json:"size"`  // of the data
	Frame   int       `json:"frame"` // of the data, compressed
}

// longestHeader bounds what is read of a file that is none of ours.
const longestHeader = 1 << 20

var encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
})

var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(math.MaxInt32))
})

func pack(e *resultcache.Entry) ([]byte, error) {
	enc, err := encoder()
	if err != nil {
		return nil, err
	}
	frame := enc.EncodeAll(e.Data, nil)
	h, err := json.Marshal(header{e.Key[:], e.Task, e.Version, e.Stored, e.Expires, len(e.Data), len(frame)})
	if err != nil {
		return nil, err
	}
	if len(h) > longestHeader {
		return nil, fmt.Errorf("the names of the task and its version are longer than 1 MiB")
	}
	b := make([]byte, 0, len(magic)+4+len(h)+len(frame)+sha256.Size)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(h)))
	b = append(append(b, h...), frame...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

var errShort = errors.New("it ends too early")

func unpack(b []byte) (*resultcache.Entry, error) {
	if len(b) < sha256.Size {
		return nil, errShort
	}
	b, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(b); !bytes.Equal(got[:], sum) {
		return nil, errors.New("its checksum is not that of its content")
	}
	h, rest, err := readHeader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	dec, err := decoder()
	if err != nil {
		return nil, err
	}
	data, err := dec.DecodeAll(b[rest:], nil)
	if err != nil {
		return nil, err
	}
	if len(data) != h.Size || len(h.Key) != len(resultcache.Key{}) {
		return nil, errors.New("it is not what its header says")
	}
	return &resultcache.Entry{Key: resultcache.Key(h.Key), Task: h.Task, Version: h.Version, Stored: h.Stored, Expires: h.Expires, Data: data}, nil
}

// readHeader reads a header and tells where the data begins.
func readHeader(r io.Reader) (h header, rest int, err error) {
	start := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(r, start); err != nil {
		return h, 0, errShort
	}
	n := int(binary.LittleEndian.Uint32(start[len(magic):]))
	if !bytes.Equal(start[:len(magic)], magic) || n > longestHeader {
		return h, 0, errors.New("it is no entry of this version of dircache")
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, 0, errShort
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, 0, err
	}
	return h, len(start) + n, nil
}

// headerOf reads the header of a file, and holds its size against it.
func headerOf(path string) (h header, err error) {
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer f.Close()
	h, rest, err := readHeader(f)
	if err != nil {
		return h, err
	}
	if info, err := f.Stat(); err != nil || info.Size() != int64(rest+h.Frame+sha256.Size) {
		return h, errors.Join(err, errShort)
	}
	return h, nil
}
