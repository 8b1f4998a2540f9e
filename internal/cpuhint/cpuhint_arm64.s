#include "textflag.h"

// func lines(a, b unsafe.Pointer)
TEXT ·lines(SB), NOSPLIT, $0-16
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	PRFM (R0), PLDL1KEEP
	PRFM (R1), PLDL1KEEP
	RET

// func pause()
TEXT ·pause(SB), NOSPLIT, $0-0
	// YIELD does nothing on most of these processors; this takes some 20 ns.
	ISB $15
	RET
