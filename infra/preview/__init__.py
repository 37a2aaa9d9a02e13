"""What a change of the configuration will really do: difference, consequences, price, comment."""
