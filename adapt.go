package runnel

import "context"

// NoContext adapts a function without a context to the form that tasks take.
func NoContext[In, Out any](fn func(In) (Out, error)) func(context.Context, In) (Out, error) {
	if fn == nil {
		return nil
	}
	return func(_ context.Context, in In) (Out, error) { return fn(in) }
}

// NoError adapts a function that cannot fail to the form that tasks take.
func NoError[In, Out any](fn func(context.Context, In) Out) func(context.Context, In) (Out, error) {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, in In) (Out, error) { return fn(ctx, in), nil }
}

// Pure adapts a function of nothing but its input to the form that tasks take.
func Pure[In, Out any](fn func(In) Out) func(context.Context, In) (Out, error) {
	if fn == nil {
		return nil
	}
	return func(_ context.Context, in In) (Out, error) { return fn(in), nil }
}
