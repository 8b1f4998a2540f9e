package main

import (
	"context"
	"fmt"

	"github.com/runnelflow/runnel"
)

// owners are tasks that depend on no other, each with a function of its own. A function
// with a type parameter is compiled once for each type, and each level below calls the one
// before it with two types that nobody else calls it with: that makes 4,096 functions.
var owners = own12[struct{}](0)

func own0[T any](k int) []runnel.AnyTask {
	makes := fmt.Sprint("own", k)
	return []runnel.AnyTask{runnel.NewValuesTask(makes, nil, []string{makes}, func(context.Context, runnel.Values) (runnel.Values, error) {
		return runnel.Values{makes: k}, nil
	})}
}

func own1[T any](k int) []runnel.AnyTask  { return append(own0[[2]T](2*k), own0[[3]T](2*k+1)...) }
func own2[T any](k int) []runnel.AnyTask  { return append(own1[[2]T](2*k), own1[[3]T](2*k+1)...) }
func own3[T any](k int) []runnel.AnyTask  { return append(own2[[2]T](2*k), own2[[3]T](2*k+1)...) }
func own4[T any](k int) []runnel.AnyTask  { return append(own3[[2]T](2*k), own3[[3]T](2*k+1)...) }
func own5[T any](k int) []runnel.AnyTask  { return append(own4[[2]T](2*k), own4[[3]T](2*k+1)...) }
func own6[T any](k int) []runnel.AnyTask  { return append(own5[[2]T](2*k), own5[[3]T](2*k+1)...) }
func own7[T any](k int) []runnel.AnyTask  { return append(own6[[2]T](2*k), own6[[3]T](2*k+1)...) }
func own8[T any](k int) []runnel.AnyTask  { return append(own7[[2]T](2*k), own7[[3]T](2*k+1)...) }
func own9[T any](k int) []runnel.AnyTask  { return append(own8[[2]T](2*k), own8[[3]T](2*k+1)...) }
func own10[T any](k int) []runnel.AnyTask { return append(own9[[2]T](2*k), own9[[3]T](2*k+1)...) }
func own11[T any](k int) []runnel.AnyTask { return append(own10[[2]T](2*k), own10[[3]T](2*k+1)...) }
func own12[T any](k int) []runnel.AnyTask { return append(own11[[2]T](2*k), own11[[3]T](2*k+1)...) }
