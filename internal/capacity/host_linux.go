package capacity

import (
	"io/fs"
	"os"
)

// Linux tells all in files.
func system() (root fs.FS, physical func() (total, available int64, source string)) {
	return os.DirFS("/"), nil
}
