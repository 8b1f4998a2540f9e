// Package describe turns measurements into what a music library shows and
// searches: tags, embeddings and neighbours.
package describe

import (
	"time"

	"github.com/runnelflow/runnel/examples/internal/loudness"
	"github.com/runnelflow/runnel/examples/internal/spectrum"
	"github.com/runnelflow/runnel/examples/internal/tempo"
	"github.com/runnelflow/runnel/examples/internal/tonality"
)

// Sound is what can be said of any recording.
type Sound struct {
	Duration time.Duration
	Loudness loudness.Level
	Spectrum spectrum.Shape
}

// Music is what can be said of a recording as music: how it sounds, and more.
type Music struct {
	Sound
	Tempo tempo.Estimate
	Key   tonality.Key
}
