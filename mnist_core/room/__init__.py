"""What people draw together: rooms, rounds, drawings, votes and scores, in a database."""
