"""Differentiating NumPy code with dualdiff, from the first derivative on.

You know NumPy, and perhaps JAX's introduction to `jax.grad`; this is the same tour on plain
NumPy.  Run it from anywhere:

    python examples/tutorial.py
"""

import numpy as np

from dualdiff import grad, jvp, random, value_and_grad
from dualdiff.test_util import check_grads

# ---- 1. The derivative of a function -------------------------------------------------
#
# `grad` takes a function and returns a function: its derivative.  Nothing else changes:
# np.tanh is NumPy's own tanh, and 2.0 is a Python float.

print("1. grad")
grad_tanh = grad(np.tanh)
slope = grad_tanh(2.0)
print(f"   tanh'(2)   = {slope:.8f}")

# What grad returns is a function like any other, so it can be differentiated again, as
# often as one likes.  dualdiff sees the stack and computes one Taylor series of the order
# wanted, so that the cost grows with the square of the order, not with its exponential.

second = grad(grad(np.tanh))(2.0)
third = grad(grad(grad(np.tanh)))(2.0)
print(f"   tanh''(2)  = {second:.8f}")
print(f"   tanh'''(2) = {third:.8f}")

# ---- 2. Higher derivatives of a polynomial -------------------------------------------


def f(x):
    return x**3 + 2 * x**2 - 3 * x + 1


print("2. x^3 + 2x^2 - 3x + 1 at 1, first to fourth derivative")
dfdx = grad(f)
d2fdx = grad(dfdx)
d3fdx = grad(d2fdx)
d4fdx = grad(d3fdx)
polynomial = [d(1.0) for d in (dfdx, d2fdx, d3fdx, d4fdx)]
print("  ", *polynomial)  # 3x^2 + 4x - 3, 6x + 4, 6, 0

# ---- 3. A model and its loss ---------------------------------------------------------
#
# Linear logistic regression: four examples with three features each, and whether each is
# positive.  The model is written as anybody would write it in NumPy.


def sigmoid(x):
    return 0.5 * (np.tanh(x / 2) + 1)


def predict(W, b, inputs):
    """Probability that each example is positive."""
    return sigmoid(inputs @ W + b)


inputs = np.array(
    [[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]]
)
targets = np.array([True, True, False, True])


def loss(W, b):
    """Minus the logarithm of the probability of the labels that were seen."""
    preds = predict(W, b, inputs)
    label_probs = preds * targets + (1 - preds) * (1 - targets)
    return -np.sum(np.log(label_probs))


# Random coefficients come from keys, as in JAX: a key always gives the same numbers, and is
# split where more are wanted.  The same key gives the same numbers here as in JAX, so that
# results can be compared across the two.  JAX computes in float32 unless told otherwise,
# and so these draws are made in float32; from there on we keep NumPy's float64.

key = random.key(0)
key, W_key, b_key = random.split(key, 3)
W = random.normal(W_key, (3,), np.float32).astype(float)
b = float(random.normal(b_key, (), np.float32))
print("3. logistic regression")
print(f"   W = {W}, b = {b:.7f}")

# ---- 4. With respect to which argument -----------------------------------------------
#
# grad differentiates with respect to the first argument; `argnums` names another one, or
# several in a tuple.

W_grad = grad(loss, argnums=0)(W, b)
W_grad_again = grad(loss)(W, b)
b_grad = grad(loss, 1)(W, b)
both = grad(loss, (0, 1))(W, b)
print("4. gradients of the loss")
print(f"   W_grad = {W_grad}")
print(f"   b_grad = {b_grad:.8f}")

# ---- 5. Lists, tuples and dicts ------------------------------------------------------
#
# Parameters need not be arrays: any nesting of lists, tuples and dicts will do, and the
# gradient has the same shape.  dualdiff.tree_util.register_pytree_node makes containers of
# your own known.


def loss2(params):
    return loss(params["W"], params["b"])


params_grad = grad(loss2)({"W": W, "b": b})
print("5. gradient of a dict:", sorted(params_grad), params_grad["W"], params_grad["b"])

# ---- 6. Value and gradient together --------------------------------------------------
#
# Both come from one evaluation of the loss; the value is NumPy's to the bit.

loss_value, gradients = value_and_grad(loss, (0, 1))(W, b)
print(f"6. loss = {loss_value:.7f}, the same as {loss(W, b):.7f}")

# ---- 7. Checking against differences -------------------------------------------------
#
# A derivative that is right agrees with the slope over a short distance.

eps = 1e-4
b_numerical = (loss(W, b + eps / 2) - loss(W, b - eps / 2)) / eps
print(f"7. b: by differences {b_numerical:.8f}, by grad {b_grad:.8f}")

# For an array: along one random direction of length 1.

key, subkey = random.split(key)
direction = random.normal(subkey, W.shape, np.float32).astype(float)
direction /= np.sqrt(np.vdot(direction, direction))
W_numerical = (loss(W + eps / 2 * direction, b) - loss(W - eps / 2 * direction, b)) / eps
W_directional = np.vdot(W_grad, direction)
print(f"   W: by differences {W_numerical:.7f}, by grad {W_directional:.7f}")

# `jvp` computes that slope alone: the derivative along one direction, in one cheap pass.

W_pushed = jvp(lambda W: loss(W, b), (W,), (direction,))[1]
print(f"   W: by jvp {W_pushed:.7f}")

# ---- 8. Checking made easy -----------------------------------------------------------
#
# check_grads does this in random directions, for every argument and to any order.  It is
# silent when all is well, and otherwise says where the derivative is wrong, and by how much.

check_grads(loss, (W, b), order=2)
print("8. check_grads to order 2: all is well")
