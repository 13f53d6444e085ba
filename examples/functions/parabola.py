"""
A parabola, and the rules that stop
===================================

Gradient descent on a function of one variable: the iterates in numbers and on the
curve, three rules that end a descent, and the way up instead of down.
"""

import matplotlib.pyplot as plt

from skgd import minimize
from skgd.displays import TrajectoryDisplay

# %%
# The iterates
# ------------
# A step subtracts the rate times the gradient. For :math:`L(w) = w^2` the gradient is
# :math:`2w`, so at the rate 0.2 each step multiplies :math:`w` by
# :math:`1 - 0.2 \cdot 2 = 0.6`.


def square(w):
    return w[0] ** 2


def square_gradient(w):
    return 2 * w


result = minimize(square, 5.0, jac=square_gradient, learning_rate=0.2, max_iter=5)
print(result.trajectory.ravel())

# %%
# ``trajectory`` has the start and the point after each step. On the curve the steps get
# shorter by themselves, since the gradient does.

TrajectoryDisplay.from_function(square, result, limits=[(-6, 6)])
plt.title("Five steps on $w^2$ at the rate 0.2")
plt.show()

# %%
# When to stop
# ------------
# Three numbers get small near a minimum: the gradient (``gtol``), the step (``xtol``)
# and the change of the function (``ftol``). Each can end the descent. Here it is the
# step: it ends when :math:`w` moves by less than 0.01.

result = minimize(
    square, 5.0, jac=square_gradient, learning_rate=0.2, gtol=0, xtol=0.01
)
print(result.nit, result.x[0])
print(result.message)

# %%
# Here it is the change of the function, for :math:`J(\theta) = (\theta - 2.5)^2 - 1`.


def shifted(theta):
    return (theta[0] - 2.5) ** 2 - 1


def shifted_gradient(theta):
    return 2 * (theta - 2.5)


result = minimize(
    shifted, 0.0, jac=shifted_gradient, learning_rate=0.1, gtol=0, ftol=1e-8
)
print("theta     ", result.x[0])
print("gradient  ", result.jac[0])
print("J         ", result.fun)
print("points    ", len(result.trajectory))
print("reason    ", result.stop_reason)

# %%
TrajectoryDisplay.from_function(shifted, result)
plt.title(f"{result.nit} steps on $(\\theta - 2.5)^2 - 1$ at the rate 0.1")
plt.show()

# %%
# A tolerance is not a distance to the minimum. The last function value is right to
# eight digits and :math:`\theta` to four only, because a parabola is flat at its
# bottom.
#
# Up instead of down
# ------------------
# ``maximize=True`` adds the gradient. The function is given as it is, not negated, and
# the result has its values.


def hill(x):
    return 3 - (x[0] - 1) ** 2


result = minimize(hill, -2.0, maximize=True, learning_rate=0.2)
print(result.x.round(4), round(result.fun, 4))
TrajectoryDisplay.from_function(hill, result, limits=[(-3, 4)])
plt.title("Gradient ascent")
plt.show()
