"""`python -m libs.devstack.stripe_twin`: a twin as a process of its own, where Holdfast itself is not wanted."""

from libs.devstack.stripe_twin.command import app

if __name__ == "__main__":
    app(prog_name="python -m libs.devstack.stripe_twin")
