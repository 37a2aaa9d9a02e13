"""What an instance costs, from one dated price book: for previews and for drills."""
